"""Randomness that depends on nothing but the seed and names, never on order or fleet size."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *names: object) -> np.random.Generator:
    """A generator of its own for `names`, such as a serial and a purpose."""
    words = "/".join(str(name) for name in names)
    digest = hashlib.blake2b(words.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.SFC64([seed, int.from_bytes(digest, "big")]))
