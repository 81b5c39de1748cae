"""Hashing passwords, and making tokens and keys that need no slow hash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

# scrypt at 2**15 takes 32 MiB and about 80 ms: bearable for one person, dear for a guesser
_N, _R, _P, _LENGTH = 2**15, 8, 1, 32
_MEMORY = 2 * 128 * _N * _R


def hash_password(password: str) -> str:
    """`scrypt$n$r$p$salt$hash` of a password, with a new random salt."""
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, _N, _R, _P)
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(digest)}"


def verify_password(password: str, hashed: str | None) -> bool:
    """Whether the password is right. None (no such account) takes as long and is False."""
    kind, n, r, p, salt, digest = (hashed or _NOBODY).split("$")
    if kind != "scrypt":
        raise ValueError(f"a password hash of the unknown kind {kind!r}")
    found = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(digest)) and hashed is not None


def new_secret(prefix: str) -> str:
    """A token or key of 256 random bits; the prefix says what it is when it turns up in a log."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> bytes:
    """What is stored of a token or key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=n, r=r, p=p, dklen=_LENGTH, maxmem=_MEMORY
    )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


_NOBODY = f"scrypt${_N}${_R}${_P}${_text(bytes(16))}${_text(bytes(_LENGTH))}"
