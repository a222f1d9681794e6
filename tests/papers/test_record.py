"""走访记录表 on the screen as it is printed: what stands on it, what never does."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.followups.actions import create_followup
from fieldapp.people.models import Household, Person, PersonTag
from fieldapp.users.models import User
from tests.factories import Desk, text_of

ID_NUMBER = "230183195005041242"
HUNGRY = {
    "reached": "reached",
    "home": {"food_days": "lt3", "medicine": "enough"},
    "people": [{"condition": "no_change", "elder": {"abuse": "none"}}],
}


@pytest.fixture
def desk(app, county) -> Desk:
    with app.app_context(), transaction():
        person = db.session.get_one(Person, county.person_uuids[0])
        person.id_number = ID_NUMBER
        person.tags.append(PersonTag(tag="mental_disorder"))
    return Desk(app)


def submit(phone, answers=HUNGRY, **more) -> str:
    body = phone.visit(answers, **more)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    return str(body["visit_uuid"])


def paper_of(answer) -> str:
    """What stands on the paper, without the choices around it."""
    assert answer.status_code == 200
    paper = re.search(r'<article class="paper.*?</article>', answer.text, re.S)
    assert paper
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", paper[0])).split())


def test_paper_tells_who_was_visited_what_was_said_and_what_follows(county, phone, desk):
    submit(phone)
    paper = paper_of(desk.get(f"/households/{county.household_uuid}/record"))
    for words in (
        "幸福村2组",
        "230***********1242",
        "199****1234",
        "测试worker",
        "家里的粮油还够吃几天？ 不足3天",
        "有没有受骗、挨打骂或没人管的迹象？ 没有",
        "临时救助",
        "走访人（签名）",
        "被走访人（签名或手印）",
        "审核人（签名）",
    ):
        assert words in paper
    assert ID_NUMBER not in paper


def test_restricted_tag_stands_on_no_paper_whoever_prints_it(app, county, phone, desk):
    submit(phone)
    with app.app_context(), transaction():
        db.session.get_one(User, county.users["supervisor"]).sees_restricted = True
    for page in ("record", "blank-record"):
        paper = paper_of(desk.get(f"/households/{county.household_uuid}/{page}"))
        assert "精神" not in paper
        assert "两人同行" in paper


def test_days_choose_visits_and_a_voided_one_is_printed_only_by_name(county, phone, desk):
    now = clock.now()
    days = [now - timedelta(days=back) for back in (20, 10)]
    first, second = (submit(phone, started_at=text_of(day), finished_at=text_of(day)) for day in days)
    page = f"/households/{county.household_uuid}/record"
    dates = [clock.local_date(day) for day in days]
    said = [f"{day.year}年{day.month}月{day.day}日" for day in dates]
    assert [word in paper_of(desk.get(page)) for word in said] == [False, True]
    assert [word in paper_of(desk.get(f"{page}?visit={first}")) for word in said] == [True, False]
    both = paper_of(desk.get(f"{page}?from={dates[0]}&until={dates[1]}"))
    assert both.index(said[0]) < both.index(said[1])
    desk.post(f"/reviews/{second}/void", revision=1, reason="记错了户")
    assert "没有走访" in paper_of(desk.get(f"{page}?from={dates[1]}"))
    assert "(已作废)" in paper_of(desk.get(f"{page}?visit={second}"))
    assert "没有走访" in paper_of(desk.get(f"{page}?visit=nothing"))


def test_numbers_in_full_need_a_reason_and_leave_a_trace_each(app, county, phone, desk):
    submit(phone)
    page = f"/households/{county.household_uuid}/record"
    refused = desk.post(page, reason=" ")
    assert refused.status_code == 422
    assert ID_NUMBER not in refused.text
    paper = paper_of(desk.post(page, reason="上报县局存档"))
    assert ID_NUMBER in paper
    assert "19900001234" in paper
    assert ID_NUMBER not in desk.get(page).text
    with app.app_context():
        traces = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "number.reveal")).all()
        assert {trace.values["number"] for trace in traces} == {"id_number", "phone"}
        assert all(trace.values["reason"] == "上报县局存档" for trace in traces)


def test_confidential_complaint_stands_on_no_paper(app, county, phone, desk):
    visit_uuid = submit(phone)
    with app.app_context(), transaction():
        now = clock.now()
        create_followup(
            db.session.get_one(User, county.users["officer"]),
            household_uuid=county.household_uuid,
            person_uuid=None,
            visit_uuid=visit_uuid,
            type="complaint",
            severity="orange",
            reason_text="反映低保评议不公",
            assignee_id=county.users["supervisor"],
            due_at=now + timedelta(days=8),
            instructions=None,
            now=now,
        )
    paper = paper_of(desk.get(f"/households/{county.household_uuid}/record"))
    assert "信访" not in paper


def test_blank_paper_asks_what_could_be_asked_of_these_people(app, county, desk):
    paper = paper_of(desk.get(f"/households/{county.household_uuid}/blank-record"))
    # Of the first person, who lives alone; of nobody, as no child is there; of both, whatever is answered before.
    assert paper.count("有没有受骗、挨打骂或没人管的迹象？") == 1
    assert "现在谁在照看？" not in paper
    assert "哪天去世的？" in paper
    assert "刘小宝的情况有变化吗？" in paper
    assert "230***********1242" in paper
    with app.app_context(), transaction():
        household = db.session.get_one(Household, county.household_uuid)
        household.people[1].died_on = clock.local_date(clock.now())
    assert "刘小宝" not in paper_of(desk.get(f"/households/{county.household_uuid}/blank-record"))


def test_blank_paper_of_another_checklist(county, desk):
    page = f"/households/{county.household_uuid}/blank-record"
    assert "日常走访" in paper_of(desk.get(page))
    choices = re.findall(r'<option value="(\w+)"', desk.get(page).text)
    assert choices[0] == "routine"
    assert "日常走访" not in paper_of(desk.get(f"{page}?checklist={choices[1]}"))
    assert "日常走访" in paper_of(desk.get(f"{page}?checklist=none"))
