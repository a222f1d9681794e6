"""The browser that tests and benchmarks drive: the system's Chromium, as a phone and as the desk's computer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# A name of this machine that browsers trust no more than any other over plain http; 127.0.0.1 they do trust.
INSECURE_HOST = "insecure.test"
# Only the server under test is to be talked to.
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1",
)
SCREENS: dict[str, dict[str, Any]] = {
    "phone": {
        "viewport": {"width": 360, "height": 640},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
    },
    "desk": {
        "viewport": {"width": 1280, "height": 800},
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
    },
}


# Root cannot use the sandbox, and only our own pages are opened.
ARGUMENTS = [*QUIET, "--no-sandbox"]


def launch(playwright: Playwright) -> Browser:
    """Start Chromium without a window; raises RuntimeError with what to install."""
    return playwright.chromium.launch(executable_path=_find(), args=ARGUMENTS)


def launch_profile(browser: Browser, folder: Path, kind: str, **options: Any) -> BrowserContext:
    """Start another Chromium like `browser`, which keeps what it stores in `folder`; it ends when the context is closed."""
    return browser.browser_type.launch_persistent_context(
        folder, executable_path=_find(), args=ARGUMENTS, **SCREENS[kind], **options
    )


def _find() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise RuntimeError("Chromium is needed: sudo apt-get install --no-install-recommends chromium")
    return found
