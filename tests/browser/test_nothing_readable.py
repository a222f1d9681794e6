"""With the app locked, the browser's profile tells nothing of people and work; the same search finds it all unsealed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests import chromium
from tests.browser.office import Office
from tests.browser.phone import Phone
from tests.browser.photos import take_photo
from tests.browser.profile import read_files, read_stored

FINISHED, BEGUN, ELDER = "何有田", "王桂兰", "张秀芝"
# In the demo county with a photo.
RETURNED = "宋玉珍"
WRITTEN = {"answer": "儿子住院没人照看", "why no place is given": "院门锁着进不去"}
# Sealing that seals nothing, of the same length.
UNSEALED = """(() => {
  const bytesOf = data => new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength)
  SubtleCrypto.prototype.encrypt = async (_how, _key, data) => {
    const sealed = new Uint8Array(data.byteLength + 16)
    sealed.set(bytesOf(data))
    return sealed.buffer
  }
  SubtleCrypto.prototype.decrypt = async (_how, _key, data) => bytesOf(data).slice(0, -16).buffer
})()"""
# The photo as it is kept, in memory only: the last thing of its size that was hashed.
REMEMBER_PHOTO = """(() => {
  const plain = SubtleCrypto.prototype.digest
  SubtleCrypto.prototype.digest = function (how, data) {
    if (data.byteLength > 50_000) window.keptPhoto = new Uint8Array(data)
    return plain.call(this, how, data)
  }
})()"""
PIECE_BYTES = 48
Secrets = dict[str, list[bytes]]


@pytest.fixture
def open_profile(browser, live, words, tmp_path) -> Iterator[Callable[..., tuple[Phone, Path]]]:
    """Unpacks phones whose browsers keep everything in a folder: `open_profile(script)` gives phone and folder."""
    opened: list[BrowserContext] = []

    def open_one(*scripts: str) -> tuple[Phone, Path]:
        folder = tmp_path / f"profile-{len(opened)}"
        context = chromium.launch_profile(browser, folder, "phone", base_url=live.url)
        opened.append(context)
        for script in scripts:
            context.add_init_script(script)
        return Phone(context, words), folder

    yield open_one
    for context in opened:
        context.close()


def work(phone: Phone, password: str, photo: Path) -> bytes:
    """A day's work up to the lock: looked at, begun, written, finished with a photo; gives the photo as it is kept."""
    words = phone.words
    phone.sign_in(password)
    phone.tap(phone.link("{name} · returned", name=RETURNED))
    expect(phone.photo()).to_be_visible()
    phone.tap(phone.button("Later"))
    phone.tap(phone.link("All households"))
    phone.page.get_by_role("searchbox").fill(ELDER)
    expect(phone.entry(ELDER)).to_be_visible()
    phone.tap(phone.link("Back"))
    phone.context.set_offline(True)
    phone.start_visit(BEGUN)
    phone.answer_daily_life()
    phone.answer("Is urgent help needed now?", "No money for food or treatment")
    phone.field("What happened, and who should help?").fill(WRITTEN["answer"])
    phone.tap(phone.question("Where you are").get_by_role("button", name=words("Not given")))
    dialog = phone.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(WRITTEN["why no place is given"])
    phone.tap(dialog.get_by_role("button", name=words("OK")))
    expect(dialog).to_have_count(0)
    phone.tap(phone.button("Later"))
    phone.fill_visit(FINISHED, "Under 3 days", photo=photo)
    kept = bytes(phone.page.evaluate("[...keptPhoto]"))
    phone.finish("It is kept on this phone and goes up first. If it is urgent, call now.")
    phone.go_to("Me")
    phone.tap(phone.button("Lock now"))
    expect(phone.page.get_by_role("group", name=words("Type your PIN"))).to_be_visible()
    return kept


def list_secrets(registry, office: Office, photo: bytes) -> Secrets:
    """What must not be read, by what it is: all that the phone was told, and all that was recorded on it."""
    households, people = registry.records("household"), registry.records("person")
    texts = {
        "name": [one["name"] for one in households + people],
        "address": [one["address"] for one in households],
        "phone number": [one["phone"] for one in households + people],
        "note": [one["note"] for one in households],
        "ID number": [*office.id_numbers(), *(one["id_masked"][3:] for one in people if one["id_masked"])],
        "question answered": ["food_days"],
        **{what: [text] for what, text in WRITTEN.items()},
    }
    secrets = {
        what: [text.encode(encoding) for text in some if text for encoding in ("utf-8", "utf-16-le")]
        for what, some in texts.items()
    }
    pieces = [photo[at : at + PIECE_BYTES] for at in range(len(photo) // 10, len(photo) - PIECE_BYTES, 1009)]
    secrets["photo"] = [*pieces, *(piece.decode("latin-1").encode("utf-16-le") for piece in pieces)]
    return secrets


def search(places: Iterable[tuple[str, bytes]], secrets: Secrets) -> dict[str, list[str]]:
    """What is found, and where."""
    found: dict[str, list[str]] = {}
    for place, content in places:
        for what, some in secrets.items():
            if any(one in content for one in some):
                found.setdefault(what, []).append(place)
    return found


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "unsealed"])
def test_a_locked_phone_tells_nothing_and_an_unsealed_one_tells_it_all(
    open_profile, live, office, ask_server, tmp_path, sealed
):
    office.return_visit(RETURNED, "请补拍照片")
    phone, folder = open_profile(REMEMBER_PHOTO, *([] if sealed else [UNSEALED]))
    photo = work(phone, live.password, take_photo(tmp_path / "IMG_0001.jpg"))
    stored = read_stored(phone.page, live.url)
    phone.context.close()
    files = dict(read_files(folder))
    secrets = list_secrets(ask_server(), office, photo)
    in_values, in_files = search(stored.items(), secrets), search(files.items(), secrets)
    if sealed:
        assert in_values == {}
        assert in_files == {}
        # What the server says stays out of the browser's own cache, too.
        said = f"{live.url}/api/".encode()
        assert [place for place, content in files.items() if "Cache" in place and said in content] == []
    else:
        assert set(in_values) == set(secrets)
        assert set(in_files) == set(secrets)
