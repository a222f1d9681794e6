"""Sweeps: who is on the list, what counts as reached whenever it arrives, and that a closed one stays as it was."""

from __future__ import annotations

import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import insert, select, text

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.imports.tables import Limits
from fieldapp.people import actions as people
from fieldapp.people.actions import Origin
from fieldapp.people.models import Household, Person
from fieldapp.reviews import actions as reviews, merge_actions, merge_queries
from fieldapp.sweeps import actions, queries
from fieldapp.sweeps.actions import Plan
from fieldapp.sweeps.lists import read_list
from fieldapp.sweeps.models import Sweep, SweepRow
from fieldapp.users.models import User
from tests.factories import GRID, OTHER_GRID, TOWNSHIP, VILLAGE, Desk, Phone, make_household, text_of

EVERYBODY = {"classes": [], "tags": [], "risks": [], "overdue": False}


def day(days: int):
    return clock.local_date(clock.now()) + timedelta(days=days)


def user_of(name: str) -> User:
    return db.session.scalars(select(User).where(User.username == name)).one()


def prepare(area: str = TOWNSHIP, criteria: dict[str, object] | None = None, **more) -> int:
    given = {
        "name": "冬季大排查",
        "area_code": area,
        "from_on": day(-3),
        "until_on": day(3),
        "methods": ["home"],
        "checklist_key": None,
        "criteria": {**EVERYBODY, **(criteria or {})},
        **more,
    }
    if "rows" in more:
        given["criteria"] = None
    with transaction():
        return actions.make_sweep(user_of("officer"), str(uuid.uuid4()), Plan(**given), clock.now()).sweep_id


def open_one(*args, **more) -> int:
    sweep_id = prepare(*args, **more)
    with transaction():
        actions.open_sweep(user_of("officer"), sweep_id, clock.now())
    actions.tell_phones(sweep_id)
    return sweep_id


def close(sweep_id: int, actor: str = "officer") -> None:
    with transaction():
        actions.close_sweep(user_of(actor), sweep_id, clock.now())


def standings(sweep_id: int, within: str = TOWNSHIP) -> dict[str, str]:
    """What became of everybody on the list, by name."""
    db.session.expire_all()
    sweep = db.session.get_one(Sweep, sweep_id)
    every = (queries.REACHED, *queries.MISSED, *queries.APART)
    return {target.name: target.standing for target in queries.list_targets(sweep, [within], every, 1)[0]}


def visit(app, county, username: str = "worker", **more) -> str:
    phone = Phone(app, county, username)
    body = phone.visit({"reached": more.get("outcome", "reached")}, **more)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    return body["visit_uuid"]


def test_list_is_fixed_at_the_opening_and_who_fits_later_is_added_with_one_press(app, county):
    with app.app_context():
        sweep_id = open_one(criteria={"tags": ["living_alone"]})
        assert set(standings(sweep_id)) == {"刘玉珍", "陈立国"}
        with transaction():
            people.add_household(make_household(GRID, "王桂兰", ["王桂兰", "王小"]), clock.now())
        assert set(standings(sweep_id)) == {"刘玉珍", "陈立国"}
        sweep = db.session.get_one(Sweep, sweep_id)
        assert queries.count_fitting(sweep, day(0)) == 1
        for added in (1, 0):
            with transaction():
                assert actions.add_fitting(user_of("officer"), sweep_id, clock.now()) == added
        assert set(standings(sweep_id)) == {"刘玉珍", "陈立国", "王桂兰"}


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        ({}, {"刘玉珍", "刘小宝", "陈立国"}),
        ({"classes": ["dibao_rural"], "risks": ["high"]}, {"刘玉珍", "刘小宝", "陈立国"}),
        ({"classes": ["dibao_urban"]}, set()),
        ({"overdue": True}, set()),
    ],
)
def test_criteria_of_a_group_are_alternatives_and_groups_narrow_each_other(app, county, criteria, names):
    with app.app_context():
        sweep = db.session.get_one(Sweep, prepare(criteria=criteria))
        found, _ = queries.list_fitting(sweep, day(0), 1)
        assert {person.name for person, _ in found} == names


def test_reached_is_who_was_seen_within_the_dates_by_a_method_that_counts(app, county):
    with app.app_context():
        sweep_id = open_one(until_on=day(-1))
    visit(app, county)  # too late
    with app.app_context():
        assert set(standings(sweep_id).values()) == {"untried"}
    at = clock.now() - timedelta(days=2)
    during = {"started_at": text_of(at), "finished_at": text_of(at)}
    visit(app, county, method="phone", **during)
    visit(app, county, outcome="not_reached", **during)
    with app.app_context():
        assert standings(sweep_id) == {"刘玉珍": "not_reached", "刘小宝": "not_reached", "陈立国": "untried"}
    visit(
        app, county, outcome="refused", finished_at=text_of(at + timedelta(hours=1)), started_at=text_of(at)
    )
    with app.app_context():
        assert standings(sweep_id)["刘玉珍"] == "refused"
    # In whatever order it arrives: this one was before the others.
    before = text_of(at - timedelta(hours=2))
    visit_uuid = visit(app, county, started_at=before, finished_at=before)
    with app.app_context():
        assert standings(sweep_id) == {"刘玉珍": "reached", "刘小宝": "refused", "陈立国": "untried"}
        counts = queries.count_by_area(db.session.get_one(Sweep, sweep_id), [TOWNSHIP], 15)
        assert counts[GRID] == {"reached": 1, "refused": 1}
        assert counts[OTHER_GRID] == {"untried": 1}
        with transaction():
            reviews.void_visit(user_of("supervisor"), visit_uuid, 1, reason="重复", now=clock.now())
        assert standings(sweep_id)["刘玉珍"] == "refused"


def test_a_returned_and_corrected_visit_counts_once(app, county):
    with app.app_context():
        sweep_id = open_one()
    phone = Phone(app, county)
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    with app.app_context():
        with transaction():
            reviews.return_visit(
                user_of("supervisor"), body["visit_uuid"], 1, reason="请补充", notes={}, now=clock.now()
            )
        assert standings(sweep_id)["刘玉珍"] == "reached"
    revised = {**body, "people": county.person_uuids}
    assert phone.push(phone.op("visit.revise", revised, base=1))[0]["outcome"] == "accepted"
    with app.app_context():
        counts = queries.count_by_area(db.session.get_one(Sweep, sweep_id), [TOWNSHIP], 15)
        assert counts[GRID] == {"reached": 2}


def test_who_dies_or_leaves_is_shown_apart_and_never_vanishes(app, county):
    with app.app_context():
        sweep_id = open_one(area=VILLAGE)
        assert set(standings(sweep_id)) == {"刘玉珍", "刘小宝"}
        origin = Origin(user_of("supervisor"), "desk", clock.now())
        with transaction():
            first, second = (db.session.get_one(Person, key) for key in county.person_uuids)
            people.change_person(first, {"died_on": day(0)}, origin)
            people.change_person(second, {"moved_away_on": day(0)}, origin)
        assert standings(sweep_id) == {"刘玉珍": "died", "刘小宝": "moved_away"}
        with transaction():
            people.change_person(db.session.get_one(Person, first.person_uuid), {"died_on": None}, origin)
            people.move_household(user_of("supervisor"), county.household_uuid, OTHER_GRID, clock.now())
        assert standings(sweep_id) == {"刘玉珍": "elsewhere", "刘小宝": "moved_away"}
        # Who has seen them on their list still does; where they live now, nobody sees this sweep.
        assert set(standings(sweep_id, GRID)) == {"刘玉珍", "刘小宝"}
        assert standings(sweep_id, OTHER_GRID) == {}


def test_who_was_registered_twice_counts_once_under_the_entry_that_stands(app, county):
    with app.app_context():
        with transaction():
            twice = make_household(GRID, "王桂兰", ["王桂兰"])
            twice.people[0].main_class = "dibao_urban"
            people.add_household(twice, clock.now())
            winner = twice.people[0].person_uuid
        sweep_id = open_one(criteria={"classes": ["dibao_rural"], "tags": ["living_alone"]})
        assert set(standings(sweep_id)) == {"刘玉珍", "陈立国"}
    visit(app, county)
    with app.app_context():
        with transaction():
            actor, loser = user_of("supervisor"), county.person_uuids[0]
            kept, other = (merge_queries.get_entry("person", one, [TOWNSHIP]) for one in (winner, loser))
            seen = merge_queries.compare("person", kept, other).seen
            merge_actions.merge(actor, "person", winner, loser, [], seen, clock.now())
        assert standings(sweep_id) == {"刘玉珍": "merged", "陈立国": "untried"}
        # Nobody is dropped: whoever stands for them is offered, though nothing else brings them onto the list.
        with transaction():
            assert actions.add_fitting(user_of("officer"), sweep_id, clock.now()) == 1
        assert standings(sweep_id) == {"刘玉珍": "merged", "陈立国": "untried", "王桂兰": "reached"}


def test_a_closed_sweep_stays_as_it_was_and_says_what_came_in_since(app, county):
    with app.app_context():
        sweep_id = open_one()
    visit(app, county, outcome="not_reached")
    with app.app_context():
        close(sweep_id)
        before = standings(sweep_id)
        assert before == {"刘玉珍": "not_reached", "刘小宝": "not_reached", "陈立国": "untried"}
    visit(app, county)
    with app.app_context():
        with transaction():
            person = db.session.get_one(Person, county.person_uuids[1])
            people.change_person(person, {"name": "刘大宝"}, Origin(None, "desk", clock.now()))
            people.move_household(user_of("supervisor"), county.household_uuid, OTHER_GRID, clock.now())
        assert standings(sweep_id) == before
        sweep = db.session.get_one(Sweep, sweep_id)
        assert queries.count_late(sweep, [TOWNSHIP]) == 1
        [target] = queries.list_targets(sweep, [OTHER_GRID], queries.MISSED, 1)[0]
        assert (target.name, target.tries) == ("陈立国", 0)
        assert {target.tries for target in queries.list_targets(sweep, [GRID], queries.MISSED, 1)[0]} == {1}
    page = Desk(app, "officer").get(f"/sweeps/{sweep_id}").text
    assert "刘小宝" in page
    assert "刘大宝" not in page


def test_each_step_is_taken_once_whoever_comes_second_is_told(app, county):
    with app.app_context():
        sweep_id = open_one()
        with pytest.raises(AppError, match="sweep_state_wrong"), transaction():
            actions.open_sweep(user_of("officer"), sweep_id, clock.now())
    desks = Desk(app, "officer"), Desk(app, "officer")
    with ThreadPoolExecutor() as both:
        answers = list(both.map(lambda desk: desk.post(f"/sweeps/{sweep_id}/close"), desks))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert "刚刚有了变化" in next(answer.text for answer in answers if answer.status_code == 409)
    with app.app_context():
        closed = select(AuditEntry).where(AuditEntry.action == "sweep.close")
        assert len(db.session.scalars(closed).all()) == 1


def test_a_form_that_is_sent_twice_makes_one_sweep(app, county):
    desk = Desk(app, "officer")
    form = {
        "form_uuid": str(uuid.uuid4()),
        "source": "filter",
        "name": "排查",
        "area": TOWNSHIP,
        "from_on": day(0).isoformat(),
        "until_on": day(7).isoformat(),
        "methods": "home",
        "checklist": "",
    }
    answers = [desk.post("/sweeps", **form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    assert desk.post("/sweeps", **{**form, "until_on": day(-1).isoformat()}).status_code == 422
    assert desk.post("/sweeps", **{**form, "area": "230183101"}).status_code in {303, 422}


def test_an_empty_list_is_not_opened(app, county):
    with app.app_context():
        sweep_id = prepare(criteria={"classes": ["dibao_urban"]})
    desk = Desk(app, "officer")
    assert desk.get(f"/sweeps/{sweep_id}").status_code == 200
    assert desk.post(f"/sweeps/{sweep_id}/open").status_code == 422
    assert desk.post(f"/sweeps/{sweep_id}/discard").status_code == 303
    assert desk.get(f"/sweeps/{sweep_id}").status_code == 404


def test_a_supervisor_sees_their_part_and_changes_nothing(app, county):
    with app.app_context():
        draft, sweep_id = prepare("230183"), open_one("230183")
    desk, stranger = Desk(app, "supervisor"), Desk(app, "stranger")
    assert desk.get(f"/sweeps/{draft}").status_code == 404
    page = desk.get(f"/sweeps/{sweep_id}").text
    assert "刘玉珍" in page
    assert "结束" not in page.split("<main")[1]
    assert desk.get(f"/sweeps/{sweep_id}?area=230183").status_code == 404
    # The sweep goes over the other township as well: there nobody is on its list.
    other = stranger.get(f"/sweeps/{sweep_id}")
    assert other.status_code == 200
    assert "刘玉珍" not in other.text
    assert stranger.get(f"/sweeps/{sweep_id}?area={GRID}").status_code == 404


def from_file(text: str, area: str = TOWNSHIP) -> int:
    rows = read_list(io.BytesIO(text.encode()), Limits(100_000, 1000), area, day(0))
    return prepare(area, rows=rows, file_name="名单.csv")


def test_rows_of_a_file_mean_somebody_or_say_why_not(app, county):
    with app.app_context():
        with transaction():
            person = db.session.get_one(Person, county.other_person_uuid)
            origin = Origin(user_of("supervisor"), "desk", clock.now())
            people.change_person(person, {"id_number": "230183195005040028", "id_reason": "已核对"}, origin)
            gone = make_household(GRID, "赵老", ["赵老"])
            people.add_household(gone, clock.now())
            people.change_person(gone.people[0], {"died_on": day(-1)}, origin)
            for grid in (GRID, OTHER_GRID):
                people.add_household(make_household(grid, "同名", ["同名"]), clock.now())
        sweep_id = from_file(
            "姓名,身份证号,出生日期\n"
            "陈 立国,230183195005040028,\n"
            ",230183195005040028,\n"
            "刘玉珍,,1950-5-4\n"
            "刘小宝,,1951-5-4\n"
            "同名,,\n"
            "赵老,,\n"
            "孙某,23018319500504,\n"
            "钱某,230183196001010014,\n"
        )
        held = db.session.scalars(select(SweepRow).order_by(SweepRow.number)).all()
        assert [row.fault for row in held] == [
            None,
            "twice",
            None,
            "unknown_name",
            "several",
            "died",
            "id_length",
            "unknown_id",
        ]
        assert "230183195005040028" not in str([row.says for row in held])
        with transaction():
            actions.open_sweep(user_of("officer"), sweep_id, clock.now())
        assert set(standings(sweep_id)) == {"陈立国", "刘玉珍"}
        # Who was not known then and is by now.
        with transaction():
            newcomer = make_household(GRID, "钱某", ["钱某"])
            newcomer.people[0].id_number = "230183196001010014"
            newcomer.people[0].id_reason = "已核对"
            people.add_household(newcomer, clock.now())
            assert queries.count_fitting(db.session.get_one(Sweep, sweep_id), day(0)) == 0
        with transaction():
            assert actions.add_fitting(user_of("officer"), sweep_id, clock.now()) == 1
        assert set(standings(sweep_id)) == {"陈立国", "刘玉珍", "钱某"}
    page = Desk(app, "officer").get(f"/sweeps/{sweep_id}?view=rows").text
    assert "孙某" in page
    assert "23018319500504" not in page


def test_a_file_without_names_or_numbers_is_refused_in_words(app, county):
    desk = Desk(app, "officer")
    answer = desk.post(
        "/sweeps",
        form_uuid=str(uuid.uuid4()),
        source="file",
        name="排查",
        area=TOWNSHIP,
        from_on=day(0).isoformat(),
        until_on=day(7).isoformat(),
        methods="home",
        checklist="",
        file=(io.BytesIO("备注\n好\n".encode()), "a.csv"),
    )
    assert answer.status_code == 422
    assert "身份证号" in answer.text


def test_whom_it_has_not_reached_is_a_workbook_and_stands_with_their_household(app, county):
    with app.app_context():
        sweep_id = open_one()
    visit(app, county, outcome="not_reached")
    desk = Desk(app)
    page = desk.get(f"/households/{county.household_uuid}").text
    assert f'href="/sweeps/{sweep_id}"' in page
    assert "还没见到：刘玉珍、刘小宝" in page
    book = openpyxl.load_workbook(io.BytesIO(desk.get(f"/sweeps/{sweep_id}/not-reached.xlsx").data))
    rows = {row[1]: row for row in book.active.iter_rows(values_only=True)}
    assert rows["刘玉珍"][3:5] == ("去过，没见到", 1)
    assert rows["陈立国"][3:] == ("还没去", 0, "")
    # Of a grid alone, and not of what is nobody's yet.
    book = openpyxl.load_workbook(
        io.BytesIO(desk.get(f"/sweeps/{sweep_id}/not-reached.xlsx?area={OTHER_GRID}").data)
    )
    assert [row[1] for row in book.active.iter_rows(min_row=2, values_only=True)] == ["陈立国"]
    with app.app_context():
        draft = prepare()
        assert db.session.scalar(select(AuditEntry.action).where(AuditEntry.action == "sweep.export"))
        close(sweep_id)
    assert desk.get(f"/sweeps/{draft}/not-reached.xlsx").status_code == 404
    assert f'href="/sweeps/{sweep_id}"' not in desk.get(f"/households/{county.household_uuid}").text


def test_phones_hold_open_sweeps_and_whom_they_have_yet_to_reach(app, county):
    phone = Phone(app, county)
    phone.pull()
    with app.app_context():
        sweep_id = prepare(checklist_key="routine")
        with transaction():
            actions.open_sweep(user_of("officer"), sweep_id, clock.now())
        # Cut off before anybody was told: the daily command goes on with these.
        assert queries.list_not_told() == [sweep_id]
        actions.tell_phones(sweep_id)
        assert queries.list_not_told() == []
    records = phone.pull()
    assert records["sweep", str(sweep_id)]["checklist_key"] == "routine"
    assert [records["person", key].get("sweeps") for key in county.person_uuids] == [[sweep_id]] * 2
    assert phone.push(phone.op("visit.submit", phone.visit()))[0]["outcome"] == "accepted"
    records = phone.pull()
    assert [records["person", key].get("sweeps") for key in county.person_uuids] == [None, [sweep_id]]
    # Whoever gets the household later is told, too.
    with app.app_context(), transaction():
        people.move_household(user_of("supervisor"), county.household_uuid, OTHER_GRID, clock.now())
    other = Phone(app, county, "worker2").pull()
    assert other["person", county.person_uuids[1]]["sweeps"] == [sweep_id]
    with app.app_context():
        close(sweep_id)
    assert ("sweep", str(sweep_id)) not in phone.pull()


def test_ten_thousand_are_put_on_a_list_counted_and_closed(app, county):
    with app.app_context():
        with transaction() as session:
            uuids = [str(uuid.uuid4()) for _ in range(10_000)]
            common = {"grid_code": GRID, "address": "幸福村"}
            session.execute(
                insert(Household),
                [{"household_uuid": key, "name": "户", **common} for key in uuids],
            )
            session.execute(
                insert(Person),
                [
                    {"person_uuid": key, "household_uuid": key, "name": "人", "registered_on": day(0)}
                    for key in uuids
                ],
            )
            # As both databases do by themselves some time after so much has come in.
            session.execute(text("ANALYZE"))
        sweep_id = prepare()
        with transaction():
            actions.open_sweep(user_of("officer"), sweep_id, clock.now())
        sweep = db.session.get_one(Sweep, sweep_id)
        assert queries.count_by_area(sweep, [TOWNSHIP], 15)[GRID] == {"untried": 10_002}
        found, has_more = queries.list_targets(sweep, [TOWNSHIP], queries.MISSED, 200)
        assert (len(found), has_more) == (50, True)
        assert len(queries.list_targets(sweep, [TOWNSHIP], queries.MISSED, 201)[0]) == 3
        close(sweep_id)
        assert queries.count_by_area(sweep, [TOWNSHIP], 15)[GRID] == {"untried": 10_002}
