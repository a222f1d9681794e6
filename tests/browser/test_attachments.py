"""Signatures, drawings, recordings and files: from a finger on the phone to the desk."""

from __future__ import annotations

from contextlib import suppress

import pytest
from playwright.sync_api import Locator, expect

from fieldapp import create_app
from fieldapp.core.db import db
from fieldapp.settings import Settings
from tests import signing
from tests.browser.photos import take_photo
from tests.live import Live
from tests.media import DOCUMENTS, record_sound

ELDER = "王桂兰"
SIGNED = "Householder's signature"
SOUND = "In their own words"
BOTH_LANGUAGES = pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
HERE = {"latitude": 45.2143, "longitude": 127.9621, "accuracy": 12}


def publish(live: Live) -> None:
    """Put the checklist in force on the live server."""
    app = create_app(Settings(data_dir=live.data_dir))
    signing.put_in_force(app)
    with app.app_context():
        db.engine.dispose()


def open_form(phone) -> None:
    """Take the checklist from the server, and open it for a household."""
    phone.refresh()
    phone.go_to("Today")
    phone.tap(phone.page.get_by_role("link", name=ELDER))
    phone.tap(
        phone.button("Home visit with signatures").or_(
            phone.page.get_by_role("button", name=phone.words("Home visit with signatures"))
        )
    )
    expect(phone.question(SIGNED)).to_be_visible()


def write(phone, pad: Locator, *lines: list[tuple[float, float]]) -> None:
    """Lines by finger, in parts of the pad's width and height."""
    pad.scroll_into_view_if_needed()  # and wait until it stands still
    box = pad.bounding_box()
    assert box is not None
    touch = phone.context.new_cdp_session(phone.page)
    for line in lines:
        points = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in line]
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [points[0]]})
        for point in points[1:]:
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


# Two people's hands: the same lines would make the same picture, which goes up once.
WORKER_STROKES = ([(0.2, 0.2), (0.5, 0.6), (0.8, 0.2)],)
STROKES = ([(0.1, 0.5), (0.3, 0.2), (0.5, 0.7), (0.6, 0.4)], [(0.6, 0.8), (0.7, 0.3), (0.9, 0.5)])


def sign(phone, question: str, start: str = "Sign", done: str = "Signed", lines=STROKES) -> None:
    """Open the pad of a question, write, keep it."""
    phone.tap(phone.question(question).get_by_role("button", name=phone.words(start), exact=True))
    dialog = phone.page.get_by_role("dialog")
    pad = dialog.locator("canvas")
    expect(pad).to_be_visible()
    write(phone, pad, *lines)
    expect(dialog.get_by_role("button", name=phone.words("Undo a line"))).to_be_enabled()
    keep = dialog.get_by_role("button", name=phone.words(done), exact=True)
    phone.tap(keep)
    # On a busy machine Chromium now and then makes no click of a tap right after a line; a person taps again.
    with suppress(AssertionError):
        expect(dialog).to_have_count(0, timeout=5_000)
    if dialog.count():
        phone.tap(keep)
    expect(dialog).to_have_count(0)


def choose(phone, question: str, button: str, name: str, body: bytes, media_type: str) -> None:
    """Choose a file with the phone's own picker."""
    chooser = phone.question(question).get_by_role("button", name=phone.words(button))
    chooser.set_input_files({"name": name, "mimeType": media_type, "buffer": body})


@BOTH_LANGUAGES
def test_signatures_a_recording_a_file_and_a_code_arrive_at_the_desk(new_phone, desk, live, words, tmp_path):
    publish(live)
    phone = new_phone(geolocation=HERE, permissions=["geolocation"])
    phone.sign_in(live.password)
    open_form(phone)
    noted = phone.text("Where the form was opened is noted (±{m} m) and goes up with the rest.", m=12)
    expect(noted).to_be_visible()

    # A blank pad is no answer; a line can be taken back; what was begun is still there after a tap beside the sheet.
    householder = phone.question(SIGNED)
    phone.tap(householder.get_by_role("button", name=words("Sign"), exact=True))
    dialog = phone.page.get_by_role("dialog")
    pad = dialog.get_by_role("img", name=words("Please sign in the box"))
    phone.tap(dialog.get_by_role("button", name=words("Signed"), exact=True))
    expect(dialog.get_by_role("alert")).to_have_text(
        words("There is no signature yet. Write in the box with a finger.")
    )
    write(phone, pad, *STROKES, [(0.1, 0.1), (0.9, 0.9)])
    phone.tap(dialog.get_by_role("button", name=words("Undo a line")))
    phone.tap(dialog.get_by_role("button", name=words("Cancel")))
    expect(householder.get_by_role("img")).to_have_count(0)
    phone.tap(householder.get_by_role("button", name=words("Sign"), exact=True))
    expect(dialog.get_by_role("button", name=words("Undo a line"))).to_be_enabled()
    phone.tap(dialog.get_by_role("button", name=words("Signed"), exact=True))
    expect(householder.get_by_role("img", name=words("Signature"))).to_be_visible()

    sign(phone, "Worker's signature", lines=WORKER_STROKES)
    sign(phone, "Sketch of the house", "Draw", "Drawn")
    expect(phone.question("Sketch of the house").get_by_role("img", name=words("Drawing"))).to_be_visible()

    # What is no recording, or too long, is said and not kept.
    sound = phone.question(SOUND)
    choose(phone, SOUND, "Choose a recording", "证明.pdf", DOCUMENTS["pdf"], "application/pdf")
    expect(sound.get_by_role("alert")).to_have_text(
        words("This file is not a recording. Please choose a recording.")
    )
    long = tmp_path / "长.wav"
    long.write_bytes(record_sound() + bytes(20_000_000))
    sound.get_by_role("button", name=words("Choose a recording")).set_input_files(long)
    expect(sound.get_by_role("alert")).to_have_text(
        words(
            "This recording has {size}; the most is {limit}. Make it shorter, or make several; "
            "the recording itself stays on the phone.",
            size="20 MB",
            limit="20 MB",
        )
    )
    recording = record_sound(2)
    choose(phone, SOUND, "Choose a recording", "录音 1.wav", recording, "audio/wav")
    expect(sound).to_contain_text("录音 1.wav")
    expect(sound.get_by_role("alert")).to_have_count(0)
    player = sound.locator("audio")
    player.scroll_into_view_if_needed()
    # The phone's own policy lets it be played: its length is known.
    expect(player).to_have_js_property("duration", 2)

    choose(phone, "Certificate", "Choose a file", "残疾证.pdf", DOCUMENTS["pdf"], "application/pdf")
    expect(phone.question("Certificate")).to_contain_text("残疾证.pdf")
    phone.page.get_by_label(words("Code on the certificate")).fill("6901234567892")

    # The phone ends the page: everything is there again.
    expect(phone.text("Saved by itself · works offline")).to_be_visible()
    phone.kill_page()
    phone.tap(phone.link("{name} · visit unfinished", name=ELDER))
    expect(phone.question(SIGNED).get_by_role("img", name=words("Signature"))).to_be_visible()
    expect(phone.question(SOUND).locator("audio")).to_have_js_property("duration", 2)
    phone.finish()
    phone.go_to("To send")
    sent = phone.entry(words("{name} · visit", name=ELDER))
    expect(sent).to_contain_text(words("Received"))
    expect(sent).to_contain_text(words("Attachments {done}/{total}", done=5, total=5))

    desk.open_visit(ELDER)
    main = desk.page.get_by_role("main")
    expect(main).to_contain_text("6901234567892")
    for question in (SIGNED, "Worker's signature", "Sketch of the house"):
        picture = main.get_by_role("link").get_by_role("img", name=words(question))
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        expect(picture).to_have_js_property("naturalWidth", 320)
    player = main.locator("audio")
    player.evaluate("audio => { audio.preload = 'metadata'; audio.load() }")
    expect(player).to_have_js_property("duration", 2)
    expect(main).to_contain_text("录音 1.wav")
    with desk.page.expect_download() as started:
        main.locator(".file").filter(has_text="残疾证.pdf").get_by_role("link").click()
    assert started.value.suggested_filename == "残疾证.pdf"
    assert started.value.path().read_bytes() == DOCUMENTS["pdf"]


def test_the_place_where_a_form_was_opened_can_be_declined_and_is_then_not_sent(new_phone, live, words):
    publish(live)
    phone = new_phone(geolocation=HERE, permissions=["geolocation"])
    phone.sign_in(live.password)
    open_form(phone)
    line = phone.page.get_by_role("status").filter(has_text="12")
    phone.tap(line.get_by_role("button", name=words("Not given")))
    expect(phone.text("Where the form was opened is not given.")).to_be_visible()
    sign(phone, SIGNED)
    sent = []
    phone.page.on(
        "request", lambda request: sent.append(request.post_data) if "/sync/push" in request.url else None
    )
    phone.finish()
    phone.go_to("To send")
    expect(phone.entry(words("{name} · visit", name=ELDER))).to_contain_text(words("Received"))
    [body] = [body for body in sent if body and "householder" in body]
    assert "45.21" not in body
    assert "127.96" not in body


# Chromium on a computer reads no barcodes: what a phone's browser has stands in for it, on a real stream of pictures.
SCANNER = """
  window.streams = []
  window.BarcodeDetector = class { async detect() { return window.codeInView ? [{ rawValue: window.codeInView }] : [] } }
  if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = async () => {
    if (window.cameraIsBlocked) throw new DOMException('', 'NotAllowedError')
    const stream = document.createElement('canvas').captureStream()
    window.streams.push(stream)
    return stream
  }
"""
LIVE_STREAMS = (
    "() => streams.flatMap(stream => stream.getTracks()).filter(track => track.readyState === 'live').length"
)


def test_a_code_is_read_by_the_camera_which_is_let_go_afterwards(new_phone, live, words):
    publish(live)
    phone = new_phone()
    phone.context.add_init_script(SCANNER)
    phone.page.reload()
    phone.sign_in(live.password)
    open_form(phone)
    card = phone.question("Code on the certificate")
    scan = card.get_by_role("button", name=words("Scan"), exact=True)
    dialog = phone.page.get_by_role("dialog")
    phone.tap(scan)
    expect(dialog).to_contain_text(words("Scan a barcode"))
    assert phone.page.evaluate(LIVE_STREAMS) == 1
    phone.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert phone.page.evaluate(LIVE_STREAMS) == 0

    phone.tap(scan)
    expect(dialog).to_be_visible()
    phone.page.evaluate("() => { window.codeInView = '6901234567892' }")
    expect(dialog).to_have_count(0)
    expect(card.get_by_role("textbox")).to_have_value("6901234567892")
    assert phone.page.evaluate(LIVE_STREAMS) == 0

    phone.page.evaluate("() => { window.cameraIsBlocked = true }")
    phone.tap(scan)
    expect(card.get_by_role("alert")).to_have_text(
        words("The camera did not open. Allow it in the browser’s settings, or type the code.")
    )
    card.get_by_role("textbox").fill("42")
    expect(phone.text("Saved by itself · works offline")).to_be_visible()


def test_a_photo_is_taken_now_and_as_small_as_the_question_asks(new_phone, live, words, tmp_path):
    publish(live)
    phone = new_phone()
    phone.sign_in(live.password)
    open_form(phone)
    card = phone.question("Photo of the stove")
    expect(card.get_by_role("button", name=words("From gallery"))).to_have_count(0)
    camera = card.get_by_role("button", name=words("Take photo"))
    expect(camera).to_have_attribute("capture", "environment")
    camera.set_input_files(take_photo(tmp_path / "IMG_0007.jpg"))
    expect(phone.photo()).to_be_visible()
    picture = phone.photo().locator("img")
    expect(picture).to_have_js_property("complete", True)
    expect(picture).to_have_js_property("naturalWidth", 427)
    expect(picture).to_have_js_property("naturalHeight", 640)


def test_the_desks_preview_is_signed_like_the_phone_and_keeps_nothing(desk, live, words):
    publish(live)
    page = desk.page
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method != "GET" else None)
    page.goto("/checklists/signed_visit/1/frame")
    card = page.get_by_role("group", name=words(SIGNED))
    card.get_by_role("button", name=words("Sign"), exact=True).click()
    pad = page.get_by_role("dialog").get_by_role("img", name=words("Please sign in the box"))
    pad.hover()
    page.mouse.down()
    page.mouse.move(200, 300, steps=5)
    page.mouse.up()
    page.get_by_role("dialog").get_by_role("button", name=words("Signed"), exact=True).click()
    picture = card.get_by_role("img", name=words("Signature"))
    expect(picture).to_have_js_property("naturalWidth", 900)
    page.get_by_role("button", name="English").click()
    card = page.get_by_role("group", name="Householder's signature")
    expect(card.get_by_role("img", name="Signature")).to_have_js_property("naturalWidth", 900)
    assert sent == []
