"""Photos of another visit, and photos not taken on the visit: found whenever they arrive, and never where there is nothing."""

from __future__ import annotations

import hashlib
import io
import random
from datetime import timedelta

import pytest
from PIL import Image, ImageDraw, ImageFilter
from sqlalchemy import select

from fieldapp.core import clock, pictures
from fieldapp.core.db import db, transaction
from fieldapp.reviews import rules
from fieldapp.reviews.models import Flag, Review
from fieldapp.visits.models import Visit
from tests.factories import Desk, Phone, draw_photo, set_review_policy, text_of
from tests.followups.test_pages import words_of


def draw_room(seed: int) -> Image.Image:
    """A picture with a lot in it, as of a room; another seed, another room."""
    chance = random.Random(seed)
    image = Image.new("RGB", (640, 480), (190, 180, 170))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = chance.randrange(600), chance.randrange(440)
        box = (x, y, x + chance.randrange(20, 200), y + chance.randrange(20, 160))
        draw.rectangle(box, fill=tuple(chance.randrange(256) for _ in range(3)))
    return image.filter(ImageFilter.GaussianBlur(2))


def save(image: Image.Image, format_: str = "JPEG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


ROOM = save(draw_room(1), quality=90)


def fingerprint_of(photo: bytes):
    return pictures.inspect_photo(io.BytesIO(photo))[3]


@pytest.fixture
def context(app):
    with app.app_context():
        yield


# --- fingerprints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        save(draw_room(1), quality=35),
        save(draw_room(1).resize((320, 240)), quality=80),
        save(draw_room(1).resize((1600, 1200)), quality=70),
        save(draw_room(1), "PNG"),
        save(draw_room(1), "WEBP", quality=60),
        save(draw_room(1).point(lambda value: min(255, int(value * 1.08)))),
        # Held sideways, with a note of how to turn it.
        save(
            draw_room(1).transpose(Image.Transpose.ROTATE_90),
            exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
        ),
    ],
    ids=["saved anew", "smaller", "larger", "png", "webp", "lighter", "turned"],
)
def test_same_picture_made_otherwise_keeps_its_fingerprint(context, changed):
    one, other = fingerprint_of(ROOM), fingerprint_of(changed)
    assert one
    assert other
    assert rules.count_different_bits(one, other) <= rules.MOST_BITS
    assert set(rules.list_quarters(one)) & set(rules.list_quarters(other))


def test_different_rooms_are_far_apart(context):
    prints = [fingerprint_of(save(draw_room(seed))) for seed in range(2, 30)]
    assert all(prints)
    apart = [
        rules.count_different_bits(one, other) for place, one in enumerate(prints) for other in prints[:place]
    ]
    assert min(apart) > 2 * rules.MOST_BITS


@pytest.mark.parametrize("grey", [0, 12, 128, 255])
def test_picture_that_shows_nothing_has_no_fingerprint(context, grey):
    chance = random.Random(grey)
    wall = Image.new("L", (64, 48))
    wall.putdata([min(255, max(0, grey + chance.randrange(-9, 10))) for _ in range(64 * 48)])
    assert fingerprint_of(save(wall)) is None


@pytest.mark.parametrize("bits", [0, 1, 2, 3])
def test_two_prints_that_differ_in_up_to_three_bits_share_a_quarter(bits):
    chance = random.Random(bits)
    for _ in range(200):
        one = chance.getrandbits(64)
        other = one
        for place in chance.sample(range(64), bits):
            other ^= 1 << place
        quarters = [set(rules.list_quarters(f"{number:016x}")) for number in (one, other)]
        assert quarters[0] & quarters[1]
        assert rules.count_different_bits(f"{one:016x}", f"{other:016x}") == bits


@pytest.mark.parametrize(
    ("minutes_before", "minutes_after", "gap"),
    [(0, None, 0), (5, None, 300), (None, 0, 0), (None, 2, 120), (-3, None, 0)],
)
def test_gap_between_a_photo_and_a_visit(minutes_before, minutes_after, gap):
    began = clock.now()
    ended = began + timedelta(minutes=10)
    taken = (
        began - timedelta(minutes=minutes_before)
        if minutes_before is not None
        else ended + timedelta(minutes=minutes_after)
    )
    assert rules.gap_s(taken, began, ended) == gap


# --- as photos come in ---------------------------------------------------------------------------------------------------


def send(phone: Phone, *photos: bytes, arrives: bool = True, taken_at=None, **more) -> str:
    """A clean visit that names those photos, which arrive after it; its uuid."""
    named = [
        {
            "sha256": hashlib.sha256(photo).hexdigest(),
            "question": "photo",
            "taken_at": text_of(taken_at) if taken_at else None,
            "size": len(photo),
        }
        for photo in photos
    ]
    body = phone.visit({"reached": "refused"}, outcome="refused", attachments=named, **more)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    if arrives:
        for photo in photos:
            phone.put_photo(photo)
    return body["visit_uuid"]


def flags_of(app, visit_uuid: str) -> dict[str, Flag]:
    with app.app_context():
        found = db.session.scalars(select(Flag).where(Flag.visit_uuid == visit_uuid))
        return {flag.rule: flag for flag in found}


def visit_of(app, visit_uuid: str) -> Visit:
    with app.app_context():
        return db.session.get_one(Visit, visit_uuid)


def test_same_file_in_two_visits_flags_the_later_one_before_it_arrives(app, county, phone):
    first = send(phone, ROOM)
    second = send(phone, ROOM, arrives=False)
    assert "same_photo" not in flags_of(app, first)
    flag = flags_of(app, second)["same_photo"]
    assert [(pair["other_visit"], pair["bits"]) for pair in flag.evidence["pairs"]] == [(first, 0)]
    # Sent once more it flags neither again.
    phone.put_photo(ROOM)
    assert "same_photo" not in flags_of(app, first)


def test_copy_of_a_photo_flags_the_visit_whose_photo_comes_second(app, county, phone):
    copy = save(draw_room(1).resize((480, 360)), quality=60)
    first = send(phone, ROOM, arrives=False)
    second = send(phone, copy)
    assert "same_photo" not in flags_of(app, second)
    phone.put_photo(ROOM)
    [pair] = flags_of(app, first)["same_photo"].evidence["pairs"]
    assert pair["other_visit"] == second
    phone.put_photo(copy)
    assert "same_photo" not in flags_of(app, second)


def test_other_photos_and_photos_of_nothing_raise_nothing(app, county, phone):
    send(phone, ROOM, draw_photo(1))
    second = send(phone, save(draw_room(2)), draw_photo(2))
    assert flags_of(app, second) == {}


def test_photo_of_a_visit_that_was_voided_may_be_used_again(app, county, phone):
    first = send(phone, ROOM)
    Desk(app).post(f"/reviews/{first}/void", revision="1", reason="录错了户")
    assert flags_of(app, send(phone, ROOM)) == {}


def test_correction_with_the_same_photo_raises_nothing(app, county, phone):
    visit_uuid = send(phone, ROOM)
    Desk(app).post(f"/reviews/{visit_uuid}/return", revision="1", reason="请补充")
    with app.app_context():
        body = db.session.get_one(Visit, visit_uuid).revisions[0].body
    assert phone.push(phone.op("visit.revise", body, base=1))[0]["outcome"] == "accepted"
    assert flags_of(app, visit_uuid) == {}


@pytest.mark.parametrize(("hours", "is_flagged"), [(1, False), (3, True), (24 * 20, True)])
def test_photo_taken_long_before_the_visit_is_flagged(app, county, phone, hours, is_flagged):
    visit_uuid = send(phone, ROOM, arrives=False, taken_at=clock.now() - timedelta(hours=hours))
    assert ("photo_time" in flags_of(app, visit_uuid)) is is_flagged


def test_visit_the_policy_accepted_waits_again_when_its_photo_turns_out_to_be_another_ones(
    app, county, phone
):
    with app.app_context(), transaction():
        set_review_policy("officer", clock.now(), accepts=True, share_percent=0)
    copy = save(draw_room(1).resize((480, 360)), quality=60)
    accepted = send(phone, ROOM)
    assert visit_of(app, accepted).state == "approved"
    second = send(phone, copy)
    assert (visit_of(app, second).state, visit_of(app, second).review_cause) == ("submitted", "flags")
    assert visit_of(app, accepted).state == "approved"


def test_flag_of_a_photo_that_comes_after_a_persons_decision_stands_beside_it(app, county, phone):
    send(phone, ROOM)
    copy = save(draw_room(1).resize((480, 360)), quality=60)
    second = send(phone, copy, arrives=False)
    assert Desk(app).post(f"/reviews/{second}/approve", revision="1").status_code == 303
    phone.put_photo(copy)
    assert visit_of(app, second).state == "approved"
    assert flags_of(app, second)["same_photo"].state == "open"
    with app.app_context():
        decisions = db.session.scalars(select(Review.decision).where(Review.visit_uuid == second)).all()
    assert decisions == ["approved"]


def test_page_shows_both_photos_and_only_within_reach_the_other_visit(app, county, phone):
    first = send(phone, ROOM)
    second = send(phone, ROOM)
    page = Desk(app).get(f"/reviews/{second}")
    assert f"/reviews/{first}" in page.text
    assert "张照片与其他走访的照片相同" in words_of(page)
    with app.app_context(), transaction():
        db.session.get_one(Visit, first).area_code = "230110001001001"
    page = Desk(app).get(f"/reviews/{second}")
    assert f"/reviews/{first}" not in page.text
    assert "您辖区以外的一次走访" in words_of(page)


def test_photo_does_not_have_a_new_policy_accept_a_visit_received_before_it(app, county, phone):
    visit_uuid = send(phone, ROOM, arrives=False)
    assert visit_of(app, visit_uuid).review_cause == "photos"
    waiting = send(phone, save(draw_room(2)), arrives=False)
    with app.app_context(), transaction():
        # It waits because of the policy of that day, not for its photo.
        db.session.get_one(Visit, waiting).review_cause = "listed"
        set_review_policy("officer", clock.now(), accepts=True, share_percent=0)
    phone.put_photo(save(draw_room(2)))
    assert (visit_of(app, waiting).state, visit_of(app, waiting).review_cause) == ("submitted", "listed")
    # One that waits for nothing but its photo is asked about when it comes.
    phone.put_photo(ROOM)
    assert visit_of(app, visit_uuid).state == "approved"
