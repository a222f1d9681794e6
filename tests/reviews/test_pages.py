"""The review pages as a supervisor meets them: the queue, one visit, the decisions, a household."""

from __future__ import annotations

import hashlib
import html
import re
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup
from fieldapp.people.models import Household, Person
from fieldapp.reviews import queries
from fieldapp.reviews.models import Flag, Review, ReviewClaim
from fieldapp.visits.models import Visit
from tests import statements
from tests.factories import GRID, HOME, OTHER_GRID, Desk, draw_photo, text_of

QUEUE_STATEMENTS = 15
VISIT_STATEMENTS = 15
CALM = {"reached": "reached", "home": {"who_answered": "self", "food_days": "ten_plus", "medicine": "enough"}}
HUNGRY = {"reached": "reached", "home": {"who_answered": "self", "food_days": "lt3", "medicine": "enough"}}
FAR = {
    "lat": HOME[0] + 0.02,
    "lon": HOME[1],
    "accuracy_m": 12.0,
    "datum": "WGS84",
    "at": "2026-11-23T01:00:00Z",
}


@pytest.fixture
def desk(app, county):
    return Desk(app)


def submit(phone, answers=CALM, **more) -> str:
    body = phone.visit(answers, **more)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    return body["visit_uuid"]


def revise(phone, visit_uuid, answers, base=1, **more) -> None:
    body = phone.visit(answers, visit_uuid=visit_uuid, **more)
    assert phone.push(phone.op("visit.revise", body, base=base))[0]["outcome"] == "accepted"


def words_of(answer) -> str:
    """What a person reads of a page."""
    body = re.sub(r"<(script|style|template)\b.*?</\1>", "", answer.text, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def queue_of(answer) -> list[str]:
    return re.findall(r'class="item [^"]*" href="/reviews/([0-9a-f-]{36})', answer.text)


def state_of(app, visit_uuid) -> str:
    with app.app_context():
        return db.session.get_one(Visit, visit_uuid).state


# --- the queue


def test_queue_is_worst_first_then_longest_waiting(app, county, phone, desk):
    calm, red, far, calm_too = (
        submit(phone),
        submit(phone, HUNGRY),
        submit(phone, location=FAR),
        submit(phone),
    )
    with app.app_context(), transaction():
        db.session.get_one(Visit, calm_too).received_at -= timedelta(hours=2)
    assert queue_of(desk.get("/reviews")) == [red, far, calm_too, calm]


def test_queue_narrows_by_state_severity_and_area(app, county, phone, desk):
    calm, red = submit(phone), submit(phone, HUNGRY)
    desk.post(f"/reviews/{calm}/return", revision=1, reason="补拍照片")
    assert queue_of(desk.get("/reviews")) == [red]
    assert queue_of(desk.get("/reviews?queue=returned")) == [calm]
    assert set(queue_of(desk.get("/reviews?queue=all"))) == {calm, red}
    assert queue_of(desk.get("/reviews?severity=orange")) == []
    assert queue_of(desk.get(f"/reviews?area={GRID}")) == [red]
    assert queue_of(desk.get(f"/reviews?area={OTHER_GRID}")) == []


def test_queue_narrows_by_checklist_and_photos(app, county, phone, desk):
    photo = {"sha256": "0" * 64, "question": "photo", "taken_at": None, "size": 1}
    plain, pictured = submit(phone), submit(phone, attachments=[photo])
    patrol = submit(phone, {"seen": "yes"}, checklist={"key": "patrol", "version": "1"}, method="patrol")
    assert queue_of(desk.get("/reviews?checklist=patrol")) == [patrol]
    assert set(queue_of(desk.get("/reviews?checklist=routine"))) == {plain, pictured}
    assert queue_of(desk.get("/reviews?photos=with")) == [pictured]
    assert queue_of(desk.get("/reviews?checklist=none")) == []


@pytest.mark.parametrize(
    "query",
    ["queue=x", "severity=x&area=DROP", "look=x&photos=x&checklist=%00", "page=0", "page=x", "page=999"],
)
def test_queue_ignores_choices_that_are_none(county, phone, desk, query):
    submit(phone)
    assert desk.get(f"/reviews?{query}").status_code == 200


def test_empty_queue_is_good_news(county, desk):
    assert "全部审核完了" in words_of(desk.get("/reviews"))


def test_queue_shows_visits_of_the_readers_areas_only(app, county, phone):
    visit_uuid = submit(phone, HUNGRY)
    stranger = Desk(app, "stranger")
    assert queue_of(stranger.get("/reviews?queue=all")) == []
    assert stranger.get(f"/reviews/{visit_uuid}").status_code == 404
    assert stranger.post(f"/reviews/{visit_uuid}/approve", revision=1).status_code == 404
    assert state_of(app, visit_uuid) == "submitted"


def add_visits_like(app, visit_uuid: str, number: int) -> None:
    """So many visits that came in before that one, each a minute apart."""
    with app.app_context(), transaction():
        visit = db.session.get_one(Visit, visit_uuid)
        kept = {column.key for column in Visit.__table__.columns} - {"visit_uuid", "received_at"}
        for minute in range(number):
            db.session.add(
                Visit(
                    **{key: getattr(visit, key) for key in kept},
                    visit_uuid=str(uuid.uuid4()),
                    received_at=visit.received_at - timedelta(minutes=minute + 1),
                )
            )


def test_long_queue_goes_on_on_a_further_page(app, county, phone, desk):
    first = submit(phone)
    add_visits_like(app, first, 60)
    assert len(queue_of(desk.get("/reviews"))) == 50
    further = queue_of(desk.get("/reviews?page=2"))
    assert len(further) == 11
    assert further[-1] == first


def test_beside_a_visit_stands_what_is_around_it_in_its_queue(app, county, phone, desk):
    first = submit(phone)
    add_visits_like(app, first, 60)
    in_order = queue_of(desk.get("/reviews")) + queue_of(desk.get("/reviews?page=2"))
    assert queue_of(desk.get(f"/reviews/{first}/queue")) == in_order[-21:]
    assert queue_of(desk.get(f"/reviews/{in_order[0]}/queue")) == in_order[:31]
    assert queue_of(desk.get(f"/reviews/{in_order[30]}/queue")) == in_order[10:61]
    steps = re.compile(r'data-key="([jk])"[^>]* href="/reviews/([0-9a-f-]{36})')
    assert steps.findall(desk.get(f"/reviews/{first}").text) == [("k", in_order[-2])]
    # Of all states the latest comes first.
    latest_first = in_order[::-1]
    assert queue_of(desk.get("/reviews?queue=all")) == latest_first[:50]
    assert queue_of(desk.get(f"/reviews/{latest_first[30]}/queue?queue=all")) == latest_first[10:61]
    assert steps.findall(desk.get(f"/reviews/{first}?queue=all").text) == [("j", latest_first[1])]


def test_visits_of_all_states_are_counted_no_further_than_anybody_needs(
    app, county, phone, desk, monkeypatch
):
    first = submit(phone)
    add_visits_like(app, first, 3)
    monkeypatch.setattr(queries, "MOST_COUNTED", 4)
    assert "共4条" in words_of(desk.get("/reviews?queue=all")).replace(" ", "")
    monkeypatch.setattr(queries, "MOST_COUNTED", 3)
    assert "超过3条" in words_of(desk.get("/reviews?queue=all")).replace(" ", "")
    assert "待审核4条" in words_of(desk.get("/reviews")).replace(" ", "")


# --- one visit


def test_answers_are_read_in_the_readers_language(county, phone, desk):
    visit_uuid = submit(phone, HUNGRY)
    chinese = words_of(desk.get(f"/reviews/{visit_uuid}"))
    assert "家里的粮油还够吃几天" in chinese
    assert "不足3天" in chinese
    english = words_of(desk.get(f"/reviews/{visit_uuid}?lang=en"))
    assert "How many days of food are left?" in english
    assert "Under 3 days" in english
    assert "lt3" not in chinese + english


def test_changed_answer_shows_what_it_was_last_time(county, phone, desk):
    earlier = text_of(clock.now() - timedelta(days=7))
    submit(phone, CALM, started_at=earlier, finished_at=earlier)
    page = desk.get(f"/reviews/{submit(phone, HUNGRY)}")
    changed = re.findall(r'class="answer changed.*?</s>', page.text, re.S)
    assert len(changed) == 1
    assert "不足3天" in changed[0]
    assert "10天以上" in changed[0]
    assert "变化 1 项" in words_of(page)


def test_first_visit_says_that_there_is_nothing_to_compare(county, phone, desk):
    assert "首次记录" in words_of(desk.get(f"/reviews/{submit(phone)}"))


def test_numbers_typed_into_answers_are_masked(county, phone, desk):
    answers = {
        "reached": "not_reached",
        "not_reached_note": "邻居电话13812341234，身份证23018319500504123X",
    }
    page = desk.get(f"/reviews/{submit(phone, answers, outcome='not_reached')}").text
    assert "138****1234" in page
    assert "230***********123X" in page
    assert "13812341234" not in page
    assert "23018319500504123X" not in page


def test_text_of_answers_is_never_markup(county, phone, desk):
    answers = {"reached": "not_reached", "not_reached_note": "<script>alert(1)</script>"}
    page = desk.get(f"/reviews/{submit(phone, answers, outcome='not_reached')}").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_flag_is_shown_with_its_evidence_and_the_task_it_made(app, county, phone, desk):
    visit_uuid = submit(phone, HUNGRY)
    page = desk.get(f"/reviews/{visit_uuid}")
    with app.app_context():
        task = db.session.query(Followup).one()
    assert f"/followups/{task.followup_id}" in page.text
    assert "临时救助" in words_of(page)


def test_place_card_tells_distance_and_accuracy_without_a_tile_server(county, phone, desk):
    page = desk.get(f"/reviews/{submit(phone, location=FAR)}")
    assert "距登记住址 2.2 公里" in words_of(page)
    assert "±12 米" in words_of(page)
    assert 'data-tiles=""' in page.text
    points = re.search(r"data-map='([^']*)'", page.text)
    assert points
    assert points[1].count('"kind"') == 2


def test_declined_place_is_shown_with_its_reason(county, phone, desk):
    visit_uuid = submit(phone, location=None, location_declined="对方不同意")
    assert "未提供位置：对方不同意" in words_of(desk.get(f"/reviews/{visit_uuid}"))


def test_photos_that_have_not_arrived_are_said_to_be_on_the_phone(county, phone, desk):
    photos = [draw_photo(seed) for seed in range(3)]
    hashes = [hashlib.sha256(photo).hexdigest() for photo in photos]
    named = [{"sha256": sha256, "question": "photo", "taken_at": None, "size": 1} for sha256 in hashes]
    visit_uuid = submit(phone, CALM | {"photo": " ".join(hashes)}, attachments=named)
    for photo in photos[:2]:
        assert phone.put_photo(photo).status_code == 201
    page = desk.get(f"/reviews/{visit_uuid}")
    assert "照片已收到 2/3 张" in words_of(page)
    assert "还有 1 张在手机上" in words_of(page)
    assert "附件 2/3" in words_of(desk.get("/reviews"))
    shown = re.findall(r'<img src="(/api/attachments/[0-9a-f]{64}\?size=thumb)"', page.text)
    assert len(shown) == 2
    assert desk.get(shown[0]).mimetype == "image/jpeg"


def test_urgent_calls_are_shown(county, phone, desk):
    calls = [{"to": "duty", "at": "2026-11-23T01:46:00Z"}, {"to": "120", "at": "2026-11-23T01:47:00Z"}]
    said = words_of(desk.get(f"/reviews/{submit(phone, HUNGRY, urgent_calls=calls)}"))
    assert "09:46 已电话联系民政值班" in said
    assert "09:47 已电话联系120" in said


def test_what_the_server_objects_to_is_said_in_words(county, phone, desk):
    visit_uuid = submit(phone, CALM | {"home": {"food_days": "lots"}})
    said = words_of(desk.get(f"/reviews/{visit_uuid}"))
    assert "以下答案请核对" in said
    assert "不在可选项之内" in said


def test_history_shows_what_a_correction_changed(county, phone, desk):
    visit_uuid = submit(phone, HUNGRY)
    desk.post(f"/reviews/{visit_uuid}/return", revision=1, reason="粮油再核对一下")
    revise(phone, visit_uuid, CALM)
    said = words_of(desk.get(f"/reviews/{visit_uuid}"))
    assert "补充后再报（第 2 版）" in said
    assert "改动 1 项" in said
    assert "粮油再核对一下" in said
    assert "当前版本已不再出现" in said


def test_a_correction_shows_each_note_with_the_answer_then_and_now(app, county, phone, desk):
    visit_uuid = submit(phone, HUNGRY)
    notes = {"note:home/food_days": "问清还剩几斤", "note:home/medicine": "药名是什么"}
    desk.post(f"/reviews/{visit_uuid}/return", revision=1, reason="粮油再核对一下", **notes)
    assert "退回时的要求" not in words_of(desk.get(f"/reviews/{visit_uuid}"))
    revise(phone, visit_uuid, CALM)
    page = desk.get(f"/reviews/{visit_uuid}")
    [card] = re.findall(r'<section class="card answered">.*?</section>', page.text, re.S)
    food, medicine = re.findall(r"<li>.*?</li>", card, re.S)
    assert "粮油再核对一下" in card
    assert "问清还剩几斤" in food
    assert re.search(r"<s>.*不足3天</s> → <b>10天以上</b>", food, re.S)
    assert "药名是什么" in medicine
    assert "未改动" in medicine


def test_a_note_follows_its_person_to_another_place_in_the_list(app, county, phone, desk):
    first, second = county.person_uuids
    alone = {"tags": "living_alone", "elder": {"abuse": "none"}}
    body = phone.visit({"reached": "reached", "people": [alone]}, people=[first])
    phone.push(phone.op("visit.submit", body))
    note = {"note:people[1]/elder/abuse": "再问一问"}
    desk.post(f"/reviews/{body['visit_uuid']}/return", revision=1, reason="再看", **note)
    moved = {"reached": "reached", "people": [{"elder": {"abuse": "neglect"}}, alone]}
    phone.push(phone.op("visit.revise", {**body, "people": [second, first], "answers": moved}, base=1))
    page = desk.get(f"/reviews/{body['visit_uuid']}")
    [card] = re.findall(r'<section class="card answered">.*?</section>', page.text, re.S)
    assert "刘玉珍 · " in card
    assert "未改动" in card


# --- deciding


def test_approving_opens_the_next_visit_and_the_last_one_the_empty_queue(app, county, phone, desk):
    red, calm = submit(phone, HUNGRY), submit(phone)
    answer = desk.post(f"/reviews/{red}/approve", revision=1)
    assert (answer.status_code, answer.location) == (303, f"/reviews/{calm}")
    answer = desk.post(f"/reviews/{calm}/approve", revision=1)
    assert (answer.status_code, answer.location) == (303, "/reviews")
    assert [state_of(app, red), state_of(app, calm)] == ["approved", "approved"]
    assert "已通过。" in words_of(desk.get("/reviews"))


def fetch_ahead(desk: Desk, visit_uuid: str, after: str) -> dict[str, str]:
    """What the desk's script sends with a decision on `after` when it has fetched the page of the next visit."""
    page = desk.client.get(f"/reviews/{visit_uuid}", headers={"X-After": after}).text
    [mark] = re.findall(r'data-mark="([0-9a-f]+)"', page)
    assert after not in page.split('<article class="visit"')[1]
    return {"X-Ahead": f"/reviews/{visit_uuid}", "X-Ahead-Mark": mark}


def test_a_visit_fetched_ahead_is_shown_when_nothing_has_happened_to_it(app, county, phone, desk):
    red, calm, last = submit(phone, HUNGRY), submit(phone), submit(phone)
    ahead = fetch_ahead(desk, calm, after=red)
    with app.app_context():
        assert db.session.get(ReviewClaim, calm) is None
    answer = approve_with(desk, red, ahead)
    assert (answer.status_code, answer.headers["X-Ahead"]) == (200, f"/reviews/{calm}")
    assert "已通过。" in words_of(answer)
    # What was fetched for another visit is not asked for; the plain way is open.
    assert approve_with(desk, calm, ahead).location == f"/reviews/{last}"


@pytest.mark.parametrize("change", ["flag", "photo", "revision", "claim"])
def test_a_visit_fetched_ahead_is_not_shown_when_it_is_another_by_now(app, county, phone, desk, change):
    photo = draw_photo(7)
    named = [{"sha256": hashlib.sha256(photo).hexdigest(), "question": "photo", "taken_at": None, "size": 1}]
    red, hungry, last = submit(phone, HUNGRY), submit(phone, location=FAR, attachments=named), submit(phone)
    ahead = fetch_ahead(desk, hungry, after=red)
    following = hungry
    with app.app_context(), transaction():
        visit = db.session.get_one(Visit, hungry)
        if change == "flag":
            visit_flag = db.session.scalars(select(Flag).where(Flag.visit_uuid == hungry)).first()
            visit_flag.state = "confirmed"
        if change == "revision":
            visit.review_cause = "problems"
        if change == "claim":
            db.session.add(
                ReviewClaim(visit_uuid=hungry, user_id=county.users["officer"], claimed_at=clock.now())
            )
            following = last
    if change == "photo":
        assert phone.put_photo(photo).status_code == 201
    answer = approve_with(desk, red, ahead)
    assert (answer.status_code, answer.location) == (303, f"/reviews/{following}")


def approve_with(desk: Desk, visit_uuid: str, headers: dict[str, str]):
    return desk.client.post(
        f"/reviews/{visit_uuid}/approve", data={"csrf_token": desk.token, "revision": 1}, headers=headers
    )


def test_deciding_on_the_last_of_the_queue_goes_back_to_what_was_skipped(app, county, phone, desk):
    red, calm = submit(phone, HUNGRY), submit(phone)
    assert desk.post(f"/reviews/{calm}/approve", revision=1).location == f"/reviews/{red}"


def test_the_next_visit_is_the_next_of_the_chosen_queue(app, county, phone, desk):
    first, second = submit(phone, HUNGRY), submit(phone, HUNGRY)
    submit(phone)
    answer = desk.post(f"/reviews/{first}/approve?severity=red", revision=1)
    assert answer.location == f"/reviews/{second}?severity=red"
    answer = desk.post(f"/reviews/{second}/approve?severity=red", revision=1)
    assert answer.location == "/reviews?severity=red"


def test_returning_needs_a_reason_and_keeps_what_was_typed(app, county, phone, desk):
    visit_uuid = submit(phone, HUNGRY)
    answer = desk.post(
        f"/reviews/{visit_uuid}/return", revision=1, reason="   ", **{"note:home/food_days": "问清还剩几斤"}
    )
    assert answer.status_code == 422
    assert "请写明原因" in words_of(answer)
    assert "问清还剩几斤" in answer.text
    assert 'data-mode="return"' in answer.text
    assert state_of(app, visit_uuid) == "submitted"


def test_returned_visit_reaches_the_phone_with_reason_and_notes(app, county, phone, desk):
    visit_uuid = submit(phone, HUNGRY)
    desk.post(
        f"/reviews/{visit_uuid}/return",
        revision=1,
        reason="请补充",
        **{"note:home/food_days": "问清还剩几斤", "note:reached": " "},
    )
    returned = phone.pull()["visit", visit_uuid]["returned"]
    assert returned["reason"] == "请补充"
    assert returned["notes"] == {"home/food_days": "问清还剩几斤"}


def test_decision_on_an_older_version_shows_the_current_one_and_keeps_the_reason(app, county, phone, desk):
    visit_uuid = submit(phone, HUNGRY)
    revise(phone, visit_uuid, CALM)
    answer = desk.post(f"/reviews/{visit_uuid}/return", revision=1, reason="粮油再核对一下")
    assert answer.status_code == 409
    assert "粮油再核对一下" in answer.text
    assert 'name="revision" type="hidden" value="2"' in answer.text
    assert state_of(app, visit_uuid) == "submitted"


def test_second_reviewer_is_told_in_words_what_became_of_the_visit(app, county, phone, desk):
    visit_uuid = submit(phone)
    desk.post(f"/reviews/{visit_uuid}/approve", revision=1)
    answer = desk.post(f"/reviews/{visit_uuid}/approve", revision=1)
    assert answer.status_code == 409
    assert "已通过" in words_of(answer)
    assert "approved" not in words_of(answer)


def test_voided_visit_says_so_and_offers_no_decision(app, county, phone, desk):
    visit_uuid = submit(phone)
    assert desk.post(f"/reviews/{visit_uuid}/void", revision=1, reason="").status_code == 422
    assert desk.post(f"/reviews/{visit_uuid}/void", revision=1, reason="记错了户").status_code == 303
    page = desk.get(f"/reviews/{visit_uuid}")
    assert "已作废" in words_of(page)
    assert "记错了户" in words_of(page)
    assert f"/reviews/{visit_uuid}/void" not in page.text
    assert f"/reviews/{visit_uuid}/approve" not in page.text


@pytest.mark.parametrize("role", ["leader", "officer"])
def test_leader_and_officer_read_and_cannot_decide(app, county, phone, role):
    visit_uuid = submit(phone, HUNGRY)
    reader = Desk(app, role)
    page = reader.get(f"/reviews/{visit_uuid}")
    assert "粮油不足3天" in words_of(page)
    for decision in ("approve", "return", "void"):
        assert f"/reviews/{visit_uuid}/{decision}" not in page.text
    assert reader.post(f"/reviews/{visit_uuid}/approve", revision=1).status_code == 403
    assert state_of(app, visit_uuid) == "submitted"


def test_flag_is_confirmed_or_dismissed_with_a_reason(app, county, phone, desk):
    visit_uuid = submit(phone, HUNGRY, location=FAR)
    with app.app_context():
        flags = {flag.rule: flag.id for flag in db.session.query(Flag)}
    assert desk.post(f"/reviews/flags/{flags['answer']}/confirm").location == f"/reviews/{visit_uuid}"
    answer = desk.post(f"/reviews/flags/{flags['far_from_home']}/dismiss", flag_id=flags["far_from_home"])
    assert answer.status_code == 422
    assert "请写明原因" in words_of(answer)
    desk.post(f"/reviews/flags/{flags['far_from_home']}/dismiss", reason="村委会见的面")
    said = words_of(desk.get(f"/reviews/{visit_uuid}"))
    assert "属实" in said
    assert "村委会见的面" in said


def test_form_without_its_token_is_refused_and_changes_nothing(app, county, phone, desk):
    visit_uuid = submit(phone)
    answer = desk.client.post(f"/reviews/{visit_uuid}/approve", data={"revision": 1})
    assert answer.status_code == 400
    assert "页面" in words_of(answer)
    assert state_of(app, visit_uuid) == "submitted"


# --- a household


def test_household_page_tells_its_story_with_numbers_masked(app, county, phone, desk):
    with app.app_context(), transaction():
        person = db.session.get_one(Person, county.person_uuids[0])
        person.id_number, person.phone = "23018319500504123X", "13812341234"
    visit_uuid = submit(phone, HUNGRY)
    page = desk.get(f"/households/{county.household_uuid}")
    said = words_of(page)
    assert "刘小宝" in said
    assert "230***********123X" in said
    assert "138****1234" in said
    assert "23018319500504123X" not in page.text
    story = f"/households/{county.household_uuid}/story"
    assert story in page.text
    # A part of the page; without script a page by itself.
    for headers in ({}, {"HX-Request": "true"}):
        page = desk.client.get(story, headers=headers)
        assert ("<html" in page.text) is not bool(headers)
        assert "粮油不足3天" in words_of(page)
        assert "后续任务：临时救助" in words_of(page)
        assert f"/reviews/{visit_uuid}" in page.text


def test_household_outside_the_area_is_not_found(app, county):
    assert Desk(app, "stranger").get(f"/households/{county.household_uuid}").status_code == 404


# --- every page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_carry_no_inline_script_or_style(app, county, phone, desk, language):
    visit_uuid = submit(phone, HUNGRY)
    with app.app_context():
        task_id = db.session.query(Followup).one().followup_id
    paths = [
        "/reviews",
        f"/reviews/{visit_uuid}",
        f"/reviews/{visit_uuid}?decide=return",
        "/followups",
        f"/followups/{task_id}",
        f"/followups/new?visit={visit_uuid}",
        f"/households/{county.household_uuid}",
        "/nowhere",
    ]
    for path in paths:
        page = desk.get(f"{path}{'&' if '?' in path else '?'}lang={language}")
        assert not re.search(r"<script(?![^>]*\bsrc=)", page.text), path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page.text), path
        assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page.text, path
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page.text), path


def test_long_names_and_missing_names_are_shown_whole(app, county, phone, desk):
    long_name = "阿尔斯楞巴特尔苏日娜其其格乌云塔娜" * 4
    with app.app_context(), transaction():
        db.session.get_one(Household, county.household_uuid).name = long_name
        db.session.get_one(Person, county.person_uuids[0]).name = ""
    page = desk.get(f"/reviews/{submit(phone)}")
    assert long_name in page.text
    assert "姓名不详" in words_of(page)


def test_unknown_page_keeps_the_frame_and_says_what_to_do(county, desk):
    page = desk.get("/reviews/not-a-number")
    assert page.status_code == 404
    assert "返回首页" in words_of(page)
    assert "退出登录" in words_of(page)


def test_reviews_of_a_visit_are_kept_in_order(app, county, phone, desk):
    visit_uuid = submit(phone, HUNGRY)
    desk.post(f"/reviews/{visit_uuid}/return", revision=1, reason="一")
    revise(phone, visit_uuid, CALM)
    desk.post(f"/reviews/{visit_uuid}/approve", revision=2)
    with app.app_context():
        decisions = [
            (review.revision, review.decision) for review in db.session.query(Review).order_by(Review.id)
        ]
    assert decisions == [(1, "returned"), (2, "approved")]
    said = words_of(desk.get(f"/reviews/{visit_uuid}"))
    assert said.index("补充后再报") < said.index("收到走访")


def test_fault_on_our_side_is_a_page_with_a_number_and_no_trace(app, county, desk, monkeypatch):
    def fail(*_args):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("fieldapp.reviews.routes.count_waiting", fail)
    app.testing = False
    page = desk.get("/reviews")
    assert page.status_code == 500
    assert re.search("编号 [0-9a-f]{8}", words_of(page))
    assert "secret detail" not in page.text
    assert "Traceback" not in page.text


# --- how much is asked of the database


def test_pages_ask_the_database_a_bounded_number_of_times(app, county, phone, desk):
    """However long the queue and however many the people, revisions and photos."""
    photo = draw_photo()
    sha256 = hashlib.sha256(photo).hexdigest()
    named = [{"sha256": sha256, "question": "photo", "taken_at": None, "size": 1}]
    for _ in range(5):
        submit(phone, HUNGRY, location=FAR, attachments=named, people=county.person_uuids)
    visit_uuid = submit(phone, HUNGRY, attachments=named, people=county.person_uuids)
    for base in (1, 2):
        desk.post(f"/reviews/{visit_uuid}/return", revision=base, reason="再看", **{"note:reached": "是谁"})
        revise(phone, visit_uuid, HUNGRY, base, attachments=named, people=county.person_uuids)
    phone.put_photo(photo)
    desk.get("/reviews")
    with statements.noted() as sent:
        assert len(queue_of(desk.get("/reviews"))) == 6
    assert len(sent) <= QUEUE_STATEMENTS, "\n".join(sent)
    with statements.noted() as sent:
        assert desk.get(f"/reviews/{visit_uuid}").status_code == 200
    assert len(sent) <= VISIT_STATEMENTS, "\n".join(sent)
