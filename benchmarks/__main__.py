"""`make bench`: every figure, as plain tables; ends with 1 when one is beyond its limit."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks import first_load
from tests import chromium
from tests.live import Live, make_demo_county


def main() -> int:
    """Measure on a demo county in a temporary folder; gives the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        data_dir.mkdir()
        live = Live(data_dir, make_demo_county(data_dir))
        live.start()
        try:
            with sync_playwright() as playwright:
                browser = chromium.launch(playwright)
                files = first_load.measure(browser, live)
                browser.close()
        finally:
            live.stop()
    print(first_load.table(files))
    return 0 if sum(file.sent_bytes for file in files) <= first_load.LIMIT_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
