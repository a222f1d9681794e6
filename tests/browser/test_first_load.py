"""The phone app arrives over slow village links."""

from __future__ import annotations

from benchmarks import first_load


def test_the_first_load_of_the_phone_app_is_at_most_120_kb_compressed(browser, live):
    files = first_load.measure(browser, live)
    assert {"/app/", "/app/sw.js"} <= {file.path for file in files}
    assert sum(file.sent_bytes for file in files) <= first_load.LIMIT_BYTES, first_load.table(files)
