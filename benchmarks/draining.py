"""How much memory the phone app's page holds while three days' work goes up: 200 visits with 300 photos of about 200 KB.

Why it counts: a cheap phone ends a page that grows, in the middle of sending, and again at the next try.
Invariant: the real server, the app as built, a profile on disk; memory is what the page's process has for itself (on
Linux: anonymous memory, resident or swapped out), the largest of many samples, from before the first request on.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, expect

from benchmarks.filling import Promise
from tests import chromium
from tests.browser.many_visits import make_visits
from tests.browser.phone import Phone
from tests.browser.words import Words
from tests.live import Live

VISITS, PHOTOS = 200, 300
LONGEST_PX = 1150
LIMIT_MB = 150
SAMPLE_EVERY_S = 0.02
DRAIN_LIMIT_MS = 600_000
MB = 1_000_000


@dataclass(frozen=True)
class Drained:
    """Bytes of photos that went up, and the page's memory: unlocked but idle, and at most while sending."""

    photo_bytes: int
    before: int
    most: int


def measure(browser: Browser, live: Live, folder: Path) -> Drained:
    """Make the work without a network, begin anew, and watch the page until everything is with the server."""
    with _phone(browser, live, folder) as phone:
        phone.sign_in(live.password)
        phone.context.set_offline(True)
        make_visits(phone.page, VISITS, PHOTOS, LONGEST_PX)
    with _phone(browser, live, folder) as phone:
        phone.context.set_offline(True)
        phone.unlock()
        phone.go_to("To send")
        waiting = phone.page.get_by_role("heading", name=phone.words("Waiting · {n}", n=VISITS))
        expect(waiting).to_be_visible()
        watch = _Watch(folder)
        watch.start()
        before = watch.most
        phone.context.set_offline(False)
        expect(phone.text("Everything is sent")).to_be_visible(timeout=DRAIN_LIMIT_MS)
        watch.end()
    photos = sum(path.stat().st_size for path in (live.data_dir / "photos").rglob("*") if path.is_file())
    return Drained(photos, before, watch.most)


def promises(found: Drained) -> list[Promise]:
    """That the page stays small."""
    words = f"{VISITS} visits with {PHOTOS} photos: the page's memory while they go up, MB"
    return [Promise(words, found.most / MB, LIMIT_MB, 0)]


def table(found: Drained) -> str:
    """The figures, and whether what is promised holds."""
    lines = [
        f"{VISITS} visits with {PHOTOS} photos ({found.photo_bytes / MB:.0f} MB) go up; memory of the page's process",
        f"{'before':>9} {'at most':>9}",
        f"{found.before / MB:>6.0f} MB {found.most / MB:>6.0f} MB",
    ]
    return "\n".join([*lines, *map(str, promises(found))])


@contextmanager
def _phone(browser: Browser, live: Live, folder: Path) -> Iterator[Phone]:
    context = chromium.launch_profile(browser, folder, "phone", base_url=live.url)
    try:
        yield Phone(context, Words("zh"))
    finally:
        context.close()


class _Watch(threading.Thread):
    """The memory of the one page that the browser with this profile shows: of its largest renderer."""

    def __init__(self, profile: Path) -> None:
        super().__init__(daemon=True)
        self._renderers = _find_renderers(profile)
        self._over = threading.Event()
        self.most = self._now()

    def run(self) -> None:
        while not self._over.wait(SAMPLE_EVERY_S):
            self.most = max(self.most, self._now())

    def end(self) -> None:
        """Sample no more."""
        self._over.set()
        self.join()

    def _now(self) -> int:
        return max(_private_bytes(pid) for pid in self._renderers)


def _find_renderers(profile: Path) -> list[int]:
    commands = {}
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        pid = int(status.parent.name)
        try:
            commands[pid] = (status.parent / "cmdline").read_bytes().decode(errors="replace")
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            parents[pid] = int(fields["PPid"])
        except OSError:
            continue  # it has just ended

    def is_below(pid: int) -> bool:
        while pid in parents:
            if f"--user-data-dir={profile}" in commands[pid]:
                return True
            pid = parents[pid]
        return False

    return [pid for pid, command in commands.items() if "--type=renderer" in command and is_below(pid)]


def _private_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.findall(r"^(?:RssAnon|VmSwap):\s+(\d+) kB$", status, re.MULTILINE)
    return sum(map(int, found)) * 1024
