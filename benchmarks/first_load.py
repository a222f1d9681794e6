"""What the phone app's first load weighs: every file Chromium needs until the app would start with no network.

Why it counts: phones are cheap and village links slow; at 2G's 5 KB/s, 120 KB are 24 seconds.
Invariant: bytes are those of the bodies as the server sends them, compressed; headers are not counted.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from tests import chromium
from tests.live import Live

LIMIT_BYTES = 120_000
# Every address the page, its service worker and its manifest fetched; what the API answers is not part of the app.
FETCHED = """async () => {
    const late = new Promise((_, fail) => setTimeout(fail, 20_000, new Error('the service worker did not start')))
    const { active } = await Promise.race([navigator.serviceWorker.ready, late])
    if (active.state !== 'activated') await new Promise(done => active.addEventListener('statechange', done))
    const found = new Set([location.href, active.scriptURL])
    for (const entry of performance.getEntriesByType('resource')) found.add(entry.name)
    for (const link of document.querySelectorAll('link[href]')) found.add(link.href)
    for (const name of await caches.keys()) {
        for (const request of await (await caches.open(name)).keys()) found.add(request.url)
    }
    const manifest = document.querySelector('link[rel=manifest]')
    if (manifest) {
        for (const icon of (await (await fetch(manifest.href)).json()).icons) {
            found.add(new URL(icon.src, manifest.href).href)
        }
    }
    return [...found]
}"""


@dataclass(frozen=True)
class ServedFile:
    """One file of the first load; `sent_bytes` as sent, `plain_bytes` unpacked."""

    path: str
    encoding: str
    sent_bytes: int
    plain_bytes: int


def measure(browser: Browser, live: Live) -> list[ServedFile]:
    """The files of the first load of /app/, largest first."""
    context = browser.new_context(**chromium.SCREENS["phone"], base_url=live.url)
    page = context.new_page()
    page.goto("/app/", wait_until="networkidle")
    addresses: list[str] = page.evaluate(FETCHED)
    context.close()
    paths = {urlsplit(address).path for address in addresses if address.startswith(live.url)}
    files = [_fetch(live, path) for path in paths if not path.startswith("/api/")]
    return sorted(files, key=lambda file: (-file.sent_bytes, file.path))


def total(files: list[ServedFile]) -> int:
    """Bytes sent for all of them."""
    return sum(file.sent_bytes for file in files)


def table(files: list[ServedFile]) -> str:
    """The files and their sum as text."""
    sent, limit = total(files), LIMIT_BYTES
    rows = [f"{'sent':>9} {'unpacked':>9}  {'as':<8} file"]
    rows += [
        f"{file.sent_bytes:>9,} {file.plain_bytes:>9,}  {file.encoding:<8} {file.path}" for file in files
    ]
    rows += [f"{sent:>9,} bytes in all, of {limit:,} allowed: {'ok' if sent <= limit else 'TOO MUCH'}"]
    return "\n".join(["First load of the phone app", *rows])


def _fetch(live: Live, path: str) -> ServedFile:
    sent, encoding = _get(live, path, "br, gzip")
    plain, _ = _get(live, path, "identity")
    return ServedFile(path, encoding, len(sent), len(plain))


def _get(live: Live, path: str, accepted: str) -> tuple[bytes, str]:
    connection = http.client.HTTPConnection("127.0.0.1", live.port)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": accepted})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return body, answer.getheader("Content-Encoding", "plain")
    finally:
        connection.close()
