"""Who may do what at the broker: the roles, and the file a new broker begins with."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

ADMIN = "admin"
INGEST = "ingest"
MACHINE_ROLE = "machine"


def first_security(passwords: dict[str, str]) -> dict[str, Any]:
    """The dynamic-security file a new broker begins with: `admin`, `ingest` and three roles."""
    roles = {
        "admin": [
            ("publishClientSend", "$CONTROL/dynamic-security/#"),
            ("publishClientReceive", "$CONTROL/dynamic-security/#"),
            ("publishClientSend", "#"),
            ("subscribePattern", "#"),
            ("subscribePattern", "$CONTROL/dynamic-security/#"),
            ("subscribePattern", "$SYS/#"),
        ],
        "ingest": [
            ("subscribePattern", "ironpulse/v1/#"),
            ("subscribePattern", "spBv1.0/#"),
            ("subscribePattern", "$share/+/ironpulse/v1/#"),
            ("subscribePattern", "$share/+/spBv1.0/#"),
            ("subscribePattern", "$SYS/#"),
            ("publishClientSend", "spBv1.0/#"),  # a host's STATE and its rebirth requests
        ],
        # %u is the user name, which is the machine's serial.
        MACHINE_ROLE: machine_rights("%u"),
    }
    return {
        # What no role allows is refused; receiving needs a subscription, which needs a role.
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": True,
            "subscribe": False,
            "unsubscribe": True,
        },
        "clients": [_client(user, password, user) for user, password in passwords.items()],
        "groups": [],
        "roles": [
            {"rolename": name, "acls": [acl(kind, topic) for kind, topic in acls]}
            for name, acls in roles.items()
        ],
    }


def machine_rights(serial: str) -> list[tuple[str, str]]:
    """What a machine may do: write below its own serial; as an edge node of Sparkplug B, with at
    most one device, which is itself, also hear what is asked of it, and whether the host is there.

    A device id says whose data they are: so no other one is allowed, and none below another's
    node, whose sequence would break.
    """
    own = [("publishClientSend", f"ironpulse/v1/{serial}/#")]
    for what in ("BIRTH", "DATA", "DEATH"):
        own.append(("publishClientSend", f"spBv1.0/+/N{what}/{serial}"))
        own.append(("publishClientSend", f"spBv1.0/+/D{what}/{serial}/{serial}"))
    heard = (f"+/NCMD/{serial}", f"+/DCMD/{serial}/{serial}", "STATE/+")
    return [*own, *(("subscribePattern", f"spBv1.0/{topic}") for topic in heard)]


def acl(kind: str, topic: str) -> dict[str, Any]:
    """One right as the plugin writes it."""
    return {"acltype": kind, "topic": topic, "priority": 0, "allow": True}


def _client(user: str, password: str, role: str) -> dict[str, Any]:
    salt, rounds = secrets.token_bytes(12), 1000
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, 64)
    return {
        "username": user,
        "password": base64.b64encode(digest).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": rounds,
        "roles": [{"rolename": role, "priority": 0}],
    }
