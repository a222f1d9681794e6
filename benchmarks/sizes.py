"""What a form weighs on the phone: engine and renderer, as built, compressed.

Invariant: it is the bundle that fills in a form by itself: engine, every control, both languages' words, lit-html.
"""

from __future__ import annotations

import gzip
import json

from fieldapp.core.assets import DIST

FORM = "form.js"
LIMIT_BYTES = 25_000


def form_bytes() -> int:
    """Bytes of the built engine and renderer, gzip at its best; raises when the client is not built."""
    name = json.loads((DIST / "assets.json").read_text())[FORM]
    return len(gzip.compress((DIST / name).read_bytes(), 9))


def line(found: int) -> str:
    """The size beside its limit."""
    verdict = "ok" if found <= LIMIT_BYTES else "TOO MUCH"
    return f"Engine and renderer: {found:,} bytes compressed, of {LIMIT_BYTES:,} allowed: {verdict}"
