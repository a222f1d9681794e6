"""A page in real Chromium that holds our engine and ODK's side by side."""

from __future__ import annotations

import functools
import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from fieldapp.checklists.compiler.compile import Compiled

ROOT = Path(__file__).parents[2]
CHINA = "Asia/Shanghai"
# Dates as numbers are whole days there for ODK's engine too.
GREENWICH = "UTC"
NOW = {CHINA: "2026-11-23T10:30:00.000+08:00", GREENWICH: "2026-11-23T10:30:00.000+00:00"}
CONTEXT: dict[str, Any] = {
    "today": "2026-11-23",
    "language": "zh",
    "username": "worker",
    "device_uuid": "d-1",
    "household": {"name": "刘家", "phone": "13800001234", "address": "幸福村2组"},
    "people": [
        {"name": "刘玉珍", "sex": "female", "birth_on": "1941-03-02", "tags": ["living_alone", "disabled"]},
        {"name": "王海", "sex": "male", "birth_on": "2015-06-01", "tags": []},
    ],
}


class Judge:
    """A page that stands still at half past ten on the day of CONTEXT, and what it has compared so far."""

    def __init__(self, page: Page, zone: str) -> None:
        self.context = {**CONTEXT, "now": NOW[zone]}
        self.offset = NOW[zone][-6:]
        self._page = page

    def load(self, name: str, compiled: Compiled, files: dict[str, str] | None = None) -> str:
        """Load a form into both engines; returns "" or why ODK's engine cannot."""
        form = {"document": compiled.document, "xform": compiled.xform, "files": files or {}}
        return self._page.evaluate("([name, form]) => judge.load(name, form)", [name, form])

    def run(self, name: str, plans: list[dict[str, Any]]) -> dict[str, Any]:
        """Follow plans in both engines: `{comparisons, leftOff, differences, finals}` (page.js)."""
        return self._page.evaluate(
            "([name, plans, context]) => judge.run(name, plans, context)", [name, plans, self.context]
        )

    def find(
        self,
        xform: str,
        answers: dict[str, Any],
        name: str,
        files: dict[str, str] | None = None,
        language: str = "",
    ) -> list[str]:
        """What ODK's engine makes of a calculation after answers are given, in each instance; an error as its text."""
        return self._page.evaluate(
            "(given) => judge.find(given)", [xform, files or {}, answers, name, language]
        )


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was compared."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    counts = [value for report in reports for name, value in report.user_properties if name == "odk"]
    if counts:
        instances, comparisons = (sum(column) for column in zip(*counts, strict=True))
        terminalreporter.write_line(
            f"Compared with ODK's engine: {len(counts)} forms, {instances:,} instances, {comparisons:,} comparisons"
        )


@pytest.fixture(scope="session")
def judge_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the blank page and the bundle of page.js are served; never part of what is shipped."""
    folder = tmp_path_factory.mktemp("odk")
    subprocess.run(
        [
            ROOT / "node_modules/.bin/esbuild",
            ROOT / "tests/odk/page.js",
            "--bundle",
            "--format=esm",
            "--target=es2022",
            "--log-level=warning",
            f"--outfile={folder / 'judge.js'}",
        ],
        check=True,
    )
    (folder / "index.html").write_text('<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">')
    serve = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def open_judge(browser: Browser, judge_url: str) -> Callable[[str], Judge]:
    """Opens the page in a time zone: `open_judge(CHINA)`."""

    @functools.cache
    def open_one(zone: str) -> Judge:
        page = browser.new_context(locale="zh-CN", timezone_id=zone).new_page()
        page.clock.set_fixed_time(NOW[zone])
        page.goto(judge_url)
        page.evaluate("async () => { window.judge = await import('/judge.js') }")
        return Judge(page, zone)

    return open_one
