"""Node-RED as a peer: its MQTT node into one INSERT for all rows that came, with `pg` from npm."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.ingest import pumps
from benchmarks.ingest.system import System
from fleet.broker import BrokerAddress
from fleet.errors import IronpulseError
from ingest.topics import EVERYTHING
from ironpulse.stack.packages import cache_root

_PACKAGES = ("node-red@4.1.15", "pg@8.23.1")
_KEYS = ("machine_id", "ts", *pumps.SIGNALS)
_SETUP = """
const pool = new (global.get('pg').Pool)({connectionString: URL, max: 1});
const rows = [];
context.set('rows', rows);
let busy = false;
setInterval(async () => {
    if (busy || !rows.length) return;
    busy = true;
    const some = rows.splice(0, 5000);
    try {
        await pool.query(QUERY, KEYS.map(key => some.map(row => row[key])));
    } catch (error) {
        node.error(error.message);
    }
    busy = false;
}, 5);
"""


@contextmanager
def node_red(own: System, table: str) -> Iterator[subprocess.Popen[bytes]]:
    """Node-RED with a flow from the broker into `table`, until the block ends."""
    packages = _packages()
    folder = Path(tempfile.mkdtemp(prefix="ironpulse-bench-"))
    broker = BrokerAddress.of(own.mqtt_url)
    account = {"broker": {"user": broker.user, "password": broker.password}}
    (folder / "flows.json").write_text(json.dumps(_flow(broker, own.database_url, table)))
    (folder / "flows_cred.json").write_text(json.dumps(account))
    (folder / "settings.js").write_text(
        "module.exports = {flowFile: 'flows.json', credentialSecret: false, disableEditor: true,"
        " httpAdminRoot: false, httpNodeRoot: false, uiHost: '127.0.0.1', uiPort: 0,"
        " logging: {console: {level: 'error'}},"
        f" functionGlobalContext: {{pg: require({json.dumps(str(packages / 'pg'))})}}}};"
    )
    command = ["node", str(packages / "node-red" / "red.js"), "--userDir", str(folder)]
    process = subprocess.Popen([*command, "--settings", str(folder / "settings.js")])
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _flow(broker: BrokerAddress, database_url: str, table: str) -> list[dict[str, Any]]:
    types = ["integer", "bigint", *["real"] * len(pumps.SIGNALS)]
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 1))
    query = f"insert into {table} ({', '.join(_KEYS)}) select * from unnest({arrays})"
    names = {"URL": database_url, "QUERY": f"{query} on conflict do nothing", "KEYS": _KEYS}
    constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in names.items())
    return [
        {"id": "tab", "type": "tab", "label": "peer"},
        {
            "id": "broker",
            "type": "mqtt-broker",
            "broker": broker.host,
            "port": str(broker.port),
            "clientid": "peer",
            "autoConnect": True,
            "protocolVersion": "5",
            "keepalive": "60",
            "cleansession": False,
            "sessionExpiry": "3600",
        },
        {
            "id": "in",
            "type": "mqtt in",
            "z": "tab",
            "topic": EVERYTHING,
            "qos": "1",
            "datatype": "json",
            "broker": "broker",
            "wires": [["write"]],
        },
        {
            "id": "write",
            "type": "function",
            "z": "tab",
            "initialize": constants + _SETUP,
            "func": "context.get('rows').push(msg.payload);",
            "outputs": 0,
            "wires": [],
        },
    ]


def _packages() -> Path:
    """The folder of npm's packages, made on first use."""
    folder = cache_root() / "peer-node-red"
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise IronpulseError("Node-RED needs node and npm on PATH, which are not here.")
    if not (folder / ".ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"name": "peer", "private": true}')
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *_PACKAGES]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise IronpulseError(f"Node-RED cannot be had here: {done.stderr.strip()[-300:]}")
        (folder / ".ready").touch()
    return folder / "node_modules"
