"""A new version of the app comes while a form is open: the form stays, then the new version takes over with all there was."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.office import StoredVisit
from tests.live import ROOT

BEGUN, OPEN = "王桂兰", "何有田"
# What people would see of it, and a step further in the phone's store.
CHANGES = {
    "phone/texts/zh.js": ("'me.about': '关于'", "'me.about': '关于新版'"),
    "phone/store.js": (
        "\n]\n\n/** The stores",
        "\n  (db) => { db.createObjectStore('news') },\n]\n\n/** The stores",
    ),
}
SERVER = """
import sys
from pathlib import Path
from fieldapp import cli
from fieldapp.core import assets
assets.DIST = Path({dist!r})
sys.argv = ["fieldapp", "serve"]
cli.main()
"""
LOOK_FOR_UPDATE = "() => { document.dispatchEvent(new Event('visibilitychange')) }"
IS_WAITING = "async () => Boolean((await navigator.serviceWorker.getRegistration()).waiting)"


@pytest.fixture
def new_server(tmp_path: Path) -> str:
    """The program of a server with another version of the app."""
    folder = tmp_path / "new"
    shutil.copytree(ROOT / "static", folder / "static", ignore=shutil.ignore_patterns("dist"))
    shutil.copytree(ROOT / "templates" / "phone", folder / "templates" / "phone")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    for name, (before, after) in CHANGES.items():
        path = folder / "static" / "src" / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
    subprocess.run(["node", folder / "static" / "build.mjs"], check=True)
    return SERVER.format(dist=str(folder / "static" / "dist"))


def test_a_form_stays_open_and_the_new_version_finds_everything(phone, live, office, new_server):
    phone.start_visit(BEGUN)
    phone.answer("Whom did you reach?", "The person")
    phone.tap(phone.button("Later"))
    phone.start_visit(OPEN)
    phone.answer("Whom did you reach?", "The person")
    live.stop()
    live.start(new_server)
    phone.page.evaluate(LOOK_FOR_UPDATE)
    phone.page.wait_for_function(IS_WAITING)

    # Nothing changes under the finger.
    phone.page.evaluate(LOOK_FOR_UPDATE)
    expect(phone.choice("Whom did you reach?", "The person")).to_be_checked()
    phone.answer_daily_life()
    phone.answer_part("Was care given this week?", "Came, and well done")
    phone.same_as_last_time()
    phone.tap(phone.button("Finish visit"))
    phone.unlock()
    phone.go_to("Me")
    expect(phone.page.get_by_role("heading", name="关于新版")).to_be_visible()
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    assert office.visits() == [StoredVisit(OPEN)]
    phone.go_to("Today")
    phone.tap(phone.link("{name} · visit unfinished", name=BEGUN))
    expect(phone.choice("Whom did you reach?", "The person")).to_be_checked()


def test_a_form_in_another_tab_is_waited_for_too(phone, live, office, new_server):
    form = phone.page
    phone.start_visit(OPEN)
    phone.answer("Whom did you reach?", "The person")
    phone.open_app()
    phone.unlock()
    live.stop()
    live.start(new_server)
    phone.page.evaluate(LOOK_FOR_UPDATE)
    phone.page.wait_for_function(IS_WAITING)
    phone.go_to("Me")
    phone.go_to("Today")

    phone.page = form
    form.bring_to_front()
    phone.answer_daily_life()
    expect(phone.text("Saved by itself · works offline")).to_be_visible()
    assert form.evaluate(IS_WAITING)
    phone.tap(phone.button("Later"))
    phone.unlock()
    phone.go_to("Me")
    expect(phone.page.get_by_role("heading", name="关于新版")).to_be_visible()
