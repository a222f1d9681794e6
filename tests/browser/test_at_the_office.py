"""What the server could not take, never got, or lost again: it is settled, and the phone learns what became of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.browser.office import StoredVisit
from tests.browser.phone import Phone
from tests.factories import draw_photo
from tests.live import run_command

TAKEN_IN, REFUSED = "何有田", "王桂兰"
PUSH = "**/api/sync/push"
REASON = "这天没有去过，请核对"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of something."""
    path = tmp_path / "IMG_0001.jpg"
    path.write_bytes(draw_photo(1, (640, 480)))
    return path


def expect_all_sent(phone: Phone) -> None:
    """Everything has its receipt."""
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()


def spoil(route: Route) -> None:
    """Name a checklist that nobody knows, as a phone would that was given it by mistake."""
    sent = route.request.post_data_json
    for op in sent["ops"]:
        op["body"]["checklist"]["version"] = "nobody-knows"
    route.continue_(post_data=json.dumps(sent))


@pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
def test_what_could_not_be_applied_is_taken_in_or_refused_and_the_phone_says_so(phone, desk, office, words):
    phone.context.route(PUSH, spoil)
    for name in (TAKEN_IN, REFUSED):
        phone.make_visit(name)
    phone.go_to("To send")
    for name in (TAKEN_IN, REFUSED):
        expect(phone.entry(name)).to_contain_text(words("Please check"))
        expect(phone.entry(name)).to_contain_text(words("It is all kept."))
    assert office.visits() == []
    assert sorted(office.quarantined()) == sorted([TAKEN_IN, REFUSED])

    desk.open_upload(TAKEN_IN)
    desk.field("Checklist").select_option("routine/1")
    desk.button("Take it in, corrected").click()
    expect(desk.message).to_contain_text(words("Taken in. The worker's phone learns it at the next sync."))
    desk.open_upload(REFUSED)
    desk.text("Refuse it…").click()
    desk.page.get_by_role("group").get_by_role("textbox").last.fill(REASON)
    desk.button("Refuse it for good").click()
    expect(desk.message).to_contain_text(words("Refused. The worker reads the reason at the next sync."))
    assert office.visits() == [StoredVisit(TAKEN_IN)]

    # Asked again, the same operations tell what became of them.
    phone.tap(phone.button("Send now"))
    expect(phone.entry(TAKEN_IN)).to_contain_text(words("Received"))
    refused = phone.entry(REFUSED)
    expect(refused).to_contain_text(REASON)
    expect(phone.text("Everything is sent")).to_have_count(0)
    phone.tap(refused.get_by_role("button", name=words("I have read this")))
    expect(refused).to_have_count(0)
    expect(phone.text("Everything is sent")).to_be_visible()
    assert office.visits() == [StoredVisit(TAKEN_IN)]


@pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
def test_a_locked_phone_without_a_network_gives_a_file_which_the_desk_brings_in(
    phone, desk, office, words, photo, tmp_path
):
    phone.context.set_offline(True)
    phone.make_visit_with_photo(TAKEN_IN, photo)
    phone.go_to("Me")
    phone.tap(phone.button("Lock now"))
    phone.tap(phone.button("Forgot the PIN"))
    phone.tap(phone.button("Make an encrypted file for your supervisor"))
    with phone.page.expect_download() as downloading:
        phone.tap(
            phone.page.get_by_role("dialog").get_by_role("button", name=words("Keep it in the downloads"))
        )
    file = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(file)
    content = file.read_bytes()
    assert content.startswith(b"fieldapp-handover 1\n")
    assert TAKEN_IN.encode() not in content
    assert photo.read_bytes()[300:340] not in content

    # Twice: it counts once.
    for outcome in ("Taken in", "Here already"):
        desk.bring_in(file)
        entry = desk.page.get_by_role("main").get_by_role("listitem").filter(has_text=TAKEN_IN)
        expect(entry).to_contain_text(words(outcome))
    assert office.visits() == [StoredVisit(TAKEN_IN, photos=1, held=1)]
    phone.tap(phone.page.get_by_role("dialog").get_by_role("button", name=words("Close")))
    phone.tap(phone.button("Back"))
    phone.unlock()
    phone.go_to("To send")
    expect(phone.entry(TAKEN_IN)).to_contain_text(words("Waiting for network"))
    phone.context.set_offline(False)
    expect_all_sent(phone)
    assert office.visits() == [StoredVisit(TAKEN_IN, photos=1, held=1)]


def test_a_server_restored_from_yesterday_is_given_todays_visits_again(phone, live, office, photo, tmp_path):
    today, yesterday = StoredVisit(TAKEN_IN, photos=1, held=1), StoredVisit(REFUSED)
    phone.make_visit(yesterday.name)
    expect_all_sent(phone)
    run_command("backup", tmp_path / "backups", data_dir=live.data_dir)
    phone.go_to("Today")
    phone.make_visit_with_photo(today.name, photo)
    expect_all_sent(phone)
    assert office.visits() == [today, yesterday]

    live.stop()
    office.close()
    run_command("restore", "--replace", tmp_path / "backups", data_dir=live.data_dir)
    assert office.visits() == [yesterday]
    live.start()
    phone.go_to("Me")
    with phone.page.expect_response("**/api/attachments/*"):
        phone.tap(phone.button("Update now"))
    expect_all_sent(phone)
    expect(phone.page.get_by_role("heading", name=phone.words("Received today · {n}", n=2))).to_be_visible()
    assert office.visits() == [today, yesterday]
