"""Drawing by lot, with a keyed hash in place of a random number.

Invariant: a draw can be done again by anybody who has the seed, and guessed by nobody else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets


def make_seed() -> str:
    """A new seed."""
    return secrets.token_hex(16)


def draw_number(seed: str, visit_uuid: str) -> float:
    """A visit's number in the draw, at least 0 and below 1: the first 8 bytes of HMAC-SHA-256 over its uuid, with the seed
    as the key, as a fraction.
    """
    digest = hmac.new(seed.encode(), visit_uuid.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def is_drawn(seed: str, visit_uuid: str, share_percent: int) -> bool:
    """Whether the draw picks a visit for review."""
    return draw_number(seed, visit_uuid) * 100 < share_percent
