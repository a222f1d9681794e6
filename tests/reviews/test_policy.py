"""Clean visits accepted by the county's policy: which, when, how many are drawn, and who may change it."""

from __future__ import annotations

import hashlib
import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock, draws
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.policies.queries import list_policies
from fieldapp.reviews import actions
from fieldapp.reviews.models import Review, ReviewPolicy
from fieldapp.reviews.policy_actions import hold_policy, set_policy
from fieldapp.users.actions import add_user
from fieldapp.users.models import User
from fieldapp.visits.models import Visit
from tests.factories import GRID, PASSWORD, TOWNSHIP, Desk, draw_photo, set_review_policy

COUNTY = "230183"
# printf 4f9c2c1e-0c5f-4c37-9b5a-3f2a4d6b7e81 | openssl dgst -sha256 -hmac 00ff00ff00ff00ff00ff00ff00ff00ff
DRAWN_NUMBER = 0xD1B41694BFB1A18F / 2**64
CLEAN = {"reached": "refused"}
HUNGRY = {"reached": "reached", "home": {"who_answered": "self", "food_days": "lt3"}}


@pytest.fixture
def accepting(app, county):
    """The county accepts clean visits, and draws none."""
    with app.app_context(), transaction():
        set_review_policy("officer", clock.now())


def submit(phone, answers=None, **more) -> str:
    """A visit in which nothing stands out, unless answers say otherwise."""
    body = phone.visit(answers or CLEAN, **{"outcome": "reached" if answers else "refused"} | more)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    return body["visit_uuid"]


def look_at(app, visit_uuid) -> tuple[str, str | None]:
    with app.app_context():
        visit = db.session.get_one(Visit, visit_uuid)
        return visit.state, visit.review_cause


def words_of(answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def terms(**more):
    return {
        "based_on": 1,
        "accepts": True,
        "share_percent": 5,
        "checklists": [],
        "classes": [],
        "reason": "冬季",
    } | more


# --- the draw


def test_draw_is_done_again_by_whoever_has_the_seed():
    number = draws.draw_number("00ff" * 8, "4f9c2c1e-0c5f-4c37-9b5a-3f2a4d6b7e81")
    assert number == DRAWN_NUMBER
    assert draws.draw_number("11ff" * 8, "4f9c2c1e-0c5f-4c37-9b5a-3f2a4d6b7e81") != number


@pytest.mark.parametrize("share", [0, 5, 50, 100])
def test_draw_picks_the_share_it_is_told(share):
    drawn = sum(draws.is_drawn("seed", f"visit {number}", share) for number in range(4000))
    assert abs(drawn / 40 - share) < 2


# --- what is accepted


def test_a_clean_visit_is_accepted_and_says_by_which_policy(app, county, accepting, phone):
    visit_uuid = submit(phone)
    assert look_at(app, visit_uuid) == ("approved", None)
    with app.app_context():
        review = db.session.scalars(select(Review)).one()
        assert (review.decision, review.reviewer_id) == ("approved", None)
        assert (review.policy_county, review.policy_number) == (COUNTY, 2)
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "visit.approved")).one()
        assert (entry.actor_name, entry.values["policy"]) == ("system", f"{COUNTY}/2")
    assert phone.pull()["visit", visit_uuid]["state"] == "approved"
    page = words_of(Desk(app).get(f"/reviews/{visit_uuid}"))
    assert "自动通过" in page
    assert "按本县第 2 号规则" in page


@pytest.mark.parametrize(
    ("cause", "answers", "more"),
    [
        ("flags", HUNGRY, {}),
        ("problems", {"reached": "reached", "home": {"food_days": "lots"}}, {}),
        ("called", None, {"urgent_calls": [{"to": "duty", "at": "2026-11-23T01:46:00Z"}]}),
        (
            "photos",
            None,
            {"attachments": [{"sha256": "0" * 64, "question": "photo", "taken_at": None, "size": 1}]},
        ),
    ],
)
def test_a_visit_with_something_to_see_waits_for_a_person(
    app, county, accepting, phone, cause, answers, more
):
    assert look_at(app, submit(phone, answers, **more)) == ("submitted", cause)


def test_a_correction_of_what_somebody_returned_goes_to_a_person(app, county, accepting, phone):
    body = phone.visit(HUNGRY)
    phone.push(phone.op("visit.submit", body))
    desk = Desk(app)
    desk.post(f"/reviews/{body['visit_uuid']}/return", revision=1, reason="再核对")
    with app.app_context(), transaction():
        db.session.get_one(Visit, body["visit_uuid"]).severity = None
        db.session.execute(db.text("UPDATE flags SET state = 'dismissed'"))
    phone.push(phone.op("visit.revise", {**body, "answers": CLEAN, "outcome": "refused"}, base=1))
    assert look_at(app, body["visit_uuid"]) == ("submitted", "decided")


@pytest.mark.parametrize(
    ("cause", "policy"),
    [
        ("off", {"accepts": False}),
        ("listed", {"checklists": ["routine"]}),
        ("listed", {"classes": ["dibao_rural"]}),
        ("drawn", {"share_percent": 100}),
    ],
)
def test_policy_says_what_a_person_looks_at(app, county, phone, cause, policy):
    with app.app_context(), transaction():
        officer = db.session.get_one(User, county.users["officer"])
        set_policy(officer, COUNTY, **terms(share_percent=0) | policy, now=clock.now())
    assert look_at(app, submit(phone)) == ("submitted", cause)


def test_what_is_drawn_is_in_the_audit_trail_and_said_on_its_page(app, county, phone):
    with app.app_context(), transaction():
        set_review_policy("officer", clock.now(), share_percent=100)
    visit_uuid = submit(phone)
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "visit.drawn")).one()
        assert (entry.subject_id, entry.values["policy"]) == (visit_uuid, f"{COUNTY}/2")
    assert "随机抽查" in words_of(Desk(app).get(f"/reviews/{visit_uuid}"))


def test_the_last_photo_completes_the_visit(app, county, accepting, phone):
    photos = [draw_photo(seed) for seed in (1, 2)]
    named = [
        {"sha256": hashlib.sha256(photo).hexdigest(), "question": "photo", "taken_at": None, "size": 1}
        for photo in photos
    ]
    visit_uuid = submit(phone, attachments=named)
    assert phone.put_photo(photos[0]).status_code == 201
    assert look_at(app, visit_uuid) == ("submitted", "photos")
    assert "照片到齐后自动通过" in words_of(Desk(app).get(f"/reviews/{visit_uuid}"))
    assert phone.put_photo(photos[1]).status_code == 201
    assert look_at(app, visit_uuid) == ("approved", None)
    # Put once more it changes nothing.
    assert phone.put_photo(photos[1]).status_code == 200
    with app.app_context():
        assert len(db.session.scalars(select(Review)).all()) == 1


def test_a_supervisor_opens_an_accepted_visit_again(app, county, accepting, phone):
    visit_uuid = submit(phone)
    desk = Desk(app)
    answer = desk.post(f"/reviews/{visit_uuid}/reopen", revision=1)
    assert (answer.status_code, answer.location) == (303, f"/reviews/{visit_uuid}")
    assert look_at(app, visit_uuid) == ("submitted", "decided")
    assert "重新打开" in words_of(desk.get(f"/reviews/{visit_uuid}"))
    # Nor does a photo that comes late accept it behind the supervisor's back.
    desk.post(f"/reviews/{visit_uuid}/approve", revision=1)
    assert f"/reviews/{visit_uuid}/reopen" not in desk.get(f"/reviews/{visit_uuid}").text


def test_a_county_begins_with_five_in_a_hundred(app, county):
    with app.app_context(), transaction():
        policy = hold_policy("231121100001001", clock.now())
        again = hold_policy("231121200", clock.now())
        assert (policy.county_code, policy.number, policy.accepts, policy.share_percent) == (
            "231121",
            1,
            True,
            5,
        )
        assert again is policy
        assert len(policy.seed) == 32


# --- changing it


def test_a_change_is_a_new_policy_with_a_seed_of_its_own(app, county):
    desk = Desk(app, "officer")
    answer = desk.post(
        f"/review-policy/{COUNTY}",
        based_on=1,
        accepts="y",
        share_percent=10,
        classes=["dibao_rural"],
        checklists=["routine"],
        reason="冬季严寒",
    )
    assert (answer.status_code, answer.location) == (303, f"/review-policy?county={COUNTY}")
    with app.app_context():
        new, old = list_policies(ReviewPolicy, COUNTY)
        assert (new.number, new.share_percent, new.classes, new.checklists) == (
            2,
            10,
            ["dibao_rural"],
            ["routine"],
        )
        assert new.seed != old.seed
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "review_policy.set").order_by(AuditEntry.id.desc())
        ).first()
        assert (entry.actor_name, entry.values["reason"]) == ("officer", "冬季严寒")
        seed = new.seed
    said = words_of(desk.get("/review-policy"))
    assert "每百条随机抽查 10 条" in said
    assert "冬季严寒" in said
    assert seed in said
    assert seed not in Desk(app, "supervisor").get("/review-policy").text


@pytest.mark.parametrize("wrong", [{"share_percent": "101"}, {"share_percent": ""}, {"reason": " "}])
def test_a_change_that_makes_no_sense_is_refused_with_what_was_typed(app, county, wrong):
    fields = {"based_on": 1, "accepts": "y", "share_percent": 10, "reason": "冬季严寒"} | wrong
    answer = Desk(app, "officer").post(f"/review-policy/{COUNTY}", **fields)
    assert answer.status_code == 422
    assert '<details class="card more" open>' in answer.text
    with app.app_context():
        assert len(list_policies(ReviewPolicy, COUNTY)) == 1


def test_of_two_who_change_it_the_second_is_told(app, county):
    desk = Desk(app, "officer")
    fields = {"accepts": "y", "share_percent": 10, "reason": "冬季严寒"}
    assert desk.post(f"/review-policy/{COUNTY}", based_on=1, **fields).status_code == 303
    answer = desk.post(f"/review-policy/{COUNTY}", based_on=1, **fields | {"share_percent": 20})
    assert answer.status_code == 409
    assert 'name="based_on" type="hidden" value="2"' in answer.text
    assert "冬季严寒" in answer.text


@pytest.mark.parametrize("name", ["stranger_officer", "supervisor"])
def test_only_an_officer_of_the_county_changes_it(app, county, name):
    answer = Desk(app, name).post(f"/review-policy/{COUNTY}", based_on=1, share_percent=1, reason="试")
    assert answer.status_code == (403 if name == "supervisor" else 404)


@pytest.mark.parametrize("code", [TOWNSHIP, GRID, "999999"])
def test_a_policy_is_of_a_county(app, county, code):
    with app.app_context():
        officer = db.session.get_one(User, county.users["officer"])
        with transaction(), pytest.raises(AppError, match="not_found"):
            set_policy(officer, code, **terms(based_on=0), now=clock.now())


# --- many at once


def test_clean_visits_of_the_list_are_approved_each_by_itself(app, county, phone):
    clean = [submit(phone) for _ in range(3)]
    red = submit(phone, HUNGRY)
    desk = Desk(app)
    page = desk.get("/reviews?look=clean").text
    listed = re.findall(r'name="visit" value="([^"]+)"', page)
    assert {item.split(":")[0] for item in listed} == set(clean)
    # Meanwhile one is corrected, and another decided on.
    body = phone.visit(visit_uuid=clean[0])
    phone.push(phone.op("visit.revise", body, base=1))
    desk.post(f"/reviews/{clean[1]}/return", revision=1, reason="补拍照片")
    answer = desk.post("/reviews/approve-clean?look=clean", visit=[*listed, f"{red}:1", "x", "x:1"])
    assert (answer.status_code, answer.location) == (303, "/reviews?look=clean")
    said = words_of(desk.get("/reviews?look=clean"))
    assert "已通过 1 条" in said
    assert said.count("未通过：刘玉珍") == 3
    states = [look_at(app, visit_uuid)[0] for visit_uuid in (*clean, red)]
    assert states == ["submitted", "returned", "approved", "submitted"]


def test_drawn_visits_are_not_approved_unopened(app, county, phone):
    with app.app_context(), transaction():
        set_review_policy("officer", clock.now(), share_percent=100)
    visit_uuid = submit(phone)
    desk = Desk(app)
    assert visit_uuid not in desk.get("/reviews?look=clean").text
    assert visit_uuid in desk.get("/reviews?look=drawn").text
    desk.post("/reviews/approve-clean", visit=f"{visit_uuid}:1")
    assert look_at(app, visit_uuid) == ("submitted", "drawn")


# --- who is looking at it


@pytest.fixture
def second(app, county):
    """A second supervisor of the township."""
    with app.app_context(), transaction():
        user = add_user(
            "supervisor2", PASSWORD, "第二助理", "supervisor", [TOWNSHIP], actor=None, now=clock.now()
        )
        county.users["supervisor2"] = user.id
    return Desk(app, "supervisor2")


def claim(app, county, name, visit_uuid, later=timedelta()) -> str:
    """Open the visit; gives who then has it."""
    with app.app_context():
        user = db.session.get_one(User, county.users[name])
        held = actions.claim_visit(user, visit_uuid, clock.now() + later)
        return next(each for each, user_id in county.users.items() if user_id == held.user_id)


def test_of_two_supervisors_the_second_is_told_and_sent_on(app, county, phone, second):
    first_uuid, next_uuid, last_uuid = submit(phone), submit(phone), submit(phone)
    desk = Desk(app)
    assert "正在审核" not in words_of(desk.post(f"/reviews/{next_uuid}/claim"))
    assert "测试supervisor" in words_of(second.post(f"/reviews/{next_uuid}/claim"))
    assert "测试supervisor" in words_of(second.get(f"/reviews/{next_uuid}"))
    assert "测试supervisor 正在审核" in words_of(second.get("/reviews"))
    refused = second.post(f"/reviews/{next_uuid}/approve", revision=1)
    assert refused.status_code == 409
    assert "测试supervisor" in words_of(refused)
    # What somebody else is looking at is skipped.
    assert second.post(f"/reviews/{first_uuid}/approve", revision=1).location == f"/reviews/{last_uuid}"
    assert desk.post(f"/reviews/{next_uuid}/approve", revision=1).status_code == 303


def test_a_red_visit_waits_for_nobody(app, county, phone, second):
    red = submit(phone, HUNGRY)
    Desk(app).post(f"/reviews/{red}/claim")
    assert "不必等待" in words_of(second.post(f"/reviews/{red}/claim"))
    assert second.post(f"/reviews/{red}/approve", revision=1).status_code == 303


def test_a_claim_ends_by_itself_or_when_another_visit_is_opened(app, county, phone, second):
    one, two = submit(phone), submit(phone)
    assert claim(app, county, "supervisor", one) == "supervisor"
    assert claim(app, county, "supervisor2", one, timedelta(minutes=9)) == "supervisor"
    assert claim(app, county, "supervisor2", one, timedelta(minutes=10)) == "supervisor2"
    assert claim(app, county, "supervisor2", two, timedelta(minutes=11)) == "supervisor2"
    assert claim(app, county, "supervisor", one, timedelta(minutes=12)) == "supervisor"


def test_who_may_not_decide_cannot_claim(app, county, phone):
    visit_uuid = submit(phone)
    assert Desk(app, "leader").post(f"/reviews/{visit_uuid}/claim").status_code == 403
    assert Desk(app, "stranger").post(f"/reviews/{visit_uuid}/claim").status_code == 404
