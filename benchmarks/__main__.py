"""`make bench`: every figure, as plain tables; ends with 1 when one is beyond its limit."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks import (
    desk,
    draining,
    exporting,
    filling,
    first_load,
    importing,
    judging,
    registry,
    sizes,
    sync,
)
from benchmarks.forms import make_form
from tests import chromium
from tests.live import Live, make_demo_county


def main() -> int:
    """Measure on generated forms and on a demo county, both in a temporary folder; gives the exit status."""
    form_bytes = sizes.form_bytes()
    print(sizes.line(form_bytes), end="\n\n", flush=True)
    print(judging.table(judging.measure()), end="\n\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        nothing_new = sync.measure_nothing_new(Path(folder))
        first_sync = sync.measure_first_sync(Path(folder))
    print(sync.table(nothing_new, first_sync), end="\n\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        searched = registry.measure_small(Path(folder))
    print(registry.table(searched, registry.SMALL), end="\n\n", flush=True)
    opened = []
    for visits in (desk.SMALL, desk.LARGE):
        with tempfile.TemporaryDirectory() as folder:
            opened.append(desk.measure(Path(folder), visits))
        print(desk.table(opened[-1], visits), end="\n\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        imported = importing.measure(Path(folder), importing.SMALL)
    print(importing.table(imported), end="\n\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        taken = exporting.measure(Path(folder))
    print(exporting.table(taken), end="\n\n", flush=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        pages = Path(folder) / "pages"
        pages.mkdir()
        filled = filling.measure(browser, [make_form(30), make_form(150)], pages)
        print(filling.table(filled), end="\n\n", flush=True)
        data_dir = Path(folder) / "data"
        data_dir.mkdir()
        live = Live(data_dir, make_demo_county(data_dir))
        live.start()
        try:
            files = first_load.measure(browser, live)
            drained = draining.measure(browser, live, Path(folder) / "profile")
            # The server ends once nobody is connected.
            browser.close()
        finally:
            live.stop()
    print(first_load.table(files), end="\n\n")
    print(draining.table(drained))
    is_small = form_bytes <= sizes.LIMIT_BYTES and first_load.total(files) <= first_load.LIMIT_BYTES
    promises = filling.promises(filled) + sync.promises(nothing_new, first_sync)
    promises += draining.promises(drained) + registry.promises(searched)
    promises += exporting.promises(taken)
    promises += importing.promises(imported) + [one for found in opened for one in desk.promises(found)]
    return 0 if is_small and all(promise.holds for promise in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
