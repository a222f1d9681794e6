"""A new phone fills itself over a slow link."""

from __future__ import annotations

from benchmarks import sync


def test_first_sync_of_a_worker_with_150_people_is_small(tmp_path):
    first = sync.measure_first_sync(tmp_path)
    assert sum(first.answers_bytes) <= sync.FIRST_LIMIT_BYTES
    assert len(first.answers_bytes) <= sync.FIRST_LIMIT_REQUESTS
