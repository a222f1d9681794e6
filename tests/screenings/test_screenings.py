"""Screenings: whoever stands on a list was screened and nothing else; who needs a look is visited through a sweep."""

from __future__ import annotations

import io
import uuid

import pytest
from sqlalchemy import func, select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people import actions as people
from fieldapp.people.actions import Origin
from fieldapp.people.models import Person, RegistryChange
from fieldapp.screenings.models import Screening, ScreeningRow
from fieldapp.sweeps.models import Sweep
from fieldapp.visits.models import Visit
from tests.factories import TOWNSHIP, Desk

NUMBERS = ("230183195005040028", "230183196501010014", "230183197001010014")
ELSEWHERE = "230183196001010014"


@pytest.fixture
def numbered(app, county):
    """Everybody in the county has an ID number."""
    with app.app_context(), transaction():
        keys = [*county.person_uuids, county.other_person_uuid]
        for key, number in zip(keys, NUMBERS, strict=True):
            fields = {"id_number": number, "id_reason": "已核对"}
            people.change_person(db.session.get_one(Person, key), fields, Origin(None, "desk", clock.now()))
    return county


def bring(desk: Desk, text: str, form_uuid: str | None = None):
    return desk.post(
        "/screenings",
        form_uuid=form_uuid or str(uuid.uuid4()),
        name="低保与医疗费用比对",
        area=TOWNSHIP,
        screened_on="2026-11-20",
        file=(io.BytesIO(text.encode()), "比对.csv"),
    )


def list_of(*results: str) -> str:
    rows = zip((*NUMBERS, ELSEWHERE), results, strict=True)
    return "身份证号,医院,结果\n" + "".join(
        f"{number},县医院{number[-3:]},{result}\n" for number, result in rows
    )


def counts(page: str) -> list[int]:
    """Need a look, screened, mean nobody."""
    return [
        int(part.split("</b>")[0])
        for part in page.split('class="tally"')[1:]
        for part in [part.split("<b>")[1]]
    ]


def test_from_the_list_to_the_sweep_and_nothing_but_a_count_before(app, numbered):
    desk = Desk(app, "officer")
    with app.app_context():
        before = (
            db.session.scalars(select(Person.due_on)).all(),
            db.session.scalar(select(func.count(RegistryChange.id))),
        )
    answer = bring(desk, list_of("高额", "", "正常", "高额"))
    path = answer.location
    page = desk.get(path).text
    assert counts(page) == [0, 3, 1]
    assert "高额 · 1" in desk.get(f"{path}?column=结果").text
    assert "没有这个身份证号" in desk.get(path + "?view=faulty").text
    assert desk.post(f"{path}/sweep", until_on="2030-01-01", methods="home").status_code == 422
    desk.post(f"{path}/look", column="结果", texts=["正常", ""])
    assert counts(desk.get(path).text) == [2, 3, 1]
    desk.post(f"{path}/look", column="结果", texts=["高额"])
    assert counts(desk.get(path).text) == [1, 3, 1]
    made = [desk.post(f"{path}/sweep", until_on="2030-01-01", methods="home") for _ in range(2)]
    assert made[0].location == made[1].location
    with app.app_context():
        assert db.session.scalar(select(func.count(Visit.visit_uuid))) == 0
        after = (
            db.session.scalars(select(Person.due_on)).all(),
            db.session.scalar(select(func.count(RegistryChange.id))),
        )
        assert after == before
        assert db.session.scalar(select(func.count(Sweep.sweep_id))) == 1
    assert "刘玉珍" in desk.get(made[0].location).text
    # What the sweep rests on stays as it is, until its draft is thrown away.
    assert desk.post(f"{path}/look", column="结果", texts=["正常"]).status_code == 409
    assert desk.post(f"{path}/discard").status_code == 409
    assert desk.post(f"{made[0].location}/discard").status_code == 303
    assert desk.post(f"{path}/discard").status_code == 303
    assert desk.get(path).status_code == 404


def test_id_numbers_that_were_compared_are_not_kept_and_none_is_shown(app, numbered):
    desk = Desk(app, "officer")
    form_uuid = str(uuid.uuid4())
    text = list_of("高额", "正常", "正常", "正常").replace("县医院028", f"配偶{ELSEWHERE}")
    assert bring(desk, text, form_uuid).location == bring(desk, text, form_uuid).location
    with app.app_context():
        assert db.session.scalar(select(func.count(Screening.screening_id))) == 1
        kept = db.session.scalars(select(ScreeningRow).order_by(ScreeningRow.number)).all()
        assert [row.says["id_masked"] for row in kept][:1] == ["230***********0028"]
        assert not any(number in str(row.says) for row in kept for number in NUMBERS)
        path = f"/screenings/{kept[0].screening_id}"
    for view in ("look", "screened", "faulty"):
        page = desk.get(f"{path}?view={view}").text
        assert not any(number in page for number in (*NUMBERS, ELSEWHERE))


def test_a_list_is_read_only_by_officers_of_its_whole_area(app, numbered):
    path = bring(Desk(app, "officer"), list_of("高额", "正常", "正常", "正常")).location
    assert Desk(app, "stranger_officer").get(path).status_code == 404
    assert Desk(app, "supervisor").get(path).status_code == 403
    assert bring(Desk(app, "stranger_officer"), list_of("1", "2", "3", "4")).status_code == 422
