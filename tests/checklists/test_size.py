"""A form arrives over slow village links too."""

from __future__ import annotations

from benchmarks import sizes


def test_engine_and_renderer_are_at_most_25_kb_compressed():
    assert sizes.form_bytes() <= sizes.LIMIT_BYTES
