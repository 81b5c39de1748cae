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
        MACHINE_ROLE: [("publishClientSend", "ironpulse/v1/%u/#")],
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
            {"rolename": name, "acls": [_acl(kind, topic) for kind, topic in acls]}
            for name, acls in roles.items()
        ],
    }


def _acl(kind: str, topic: str) -> dict[str, Any]:
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
