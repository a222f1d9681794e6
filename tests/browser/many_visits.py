"""Many visits on one phone, made quickly (many_visits.js)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.phone import PIN
from tests.live import ROOT

ENTRY = Path(__file__).with_suffix(".js")


def make_visits(page: Page, visits: int, photos: int, longest_px: int) -> None:
    """Make them on the phone that shows `page`; it has to be opened anew to show them."""
    esbuild = ROOT / "node_modules" / ".bin" / "esbuild"
    bundling = [str(esbuild), str(ENTRY), "--bundle", "--global-name=many"]
    bundle = subprocess.run(bundling, capture_output=True, text=True, check=True).stdout
    wanted = {"pin": PIN, "visits": visits, "photos": photos, "longestPx": longest_px}
    page.evaluate(f"async wanted => {{ {bundle}; await many.makeVisits(wanted) }}", wanted)
