"""Special periods: whom they bring forward, whom they keep, and that everybody in the area follows, however it is interrupted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.areas.actions import add_grid
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.people import actions, period_actions
from fieldapp.people.actions import Origin
from fieldapp.people.models import Household, Person, SpecialPeriod
from fieldapp.people.tags import list_choosable
from fieldapp.reviews import area_actions
from fieldapp.users.models import User
from tests.factories import GRID, OTHER_GRID, OTHER_VILLAGE, TOWNSHIP, VILLAGE, Desk, Phone, make_household
from tests.live import run_command


def day(days: int):
    return clock.local_date(clock.now()) + timedelta(days=days)


def user_of(name: str) -> User:
    return db.session.scalars(select(User).where(User.username == name)).one()


def start(area: str = TOWNSHIP, actor: str = "officer", **more) -> int:
    given = {
        "from_on": day(0),
        "until_on": None,
        "risk_days": {"high": 3, "middle": 15, "low": 45},
        "tags": ["care_missing"],
        "pauses_exit": True,
        "relaxed_papers": True,
        **more,
    }
    with transaction():
        period = period_actions.start_period(user_of(actor), area, "寒潮", now=clock.now(), **given)
    return period.id


def see(person_uuid: str, days_ago: int) -> None:
    """As if the person had been seen at home that long ago."""
    with transaction():
        person = db.session.get_one(Person, person_uuid)
        at = clock.now() - timedelta(days=days_ago)
        actions.set_contacts(person.household, {person_uuid: [(at, False)]})


def due_in(person_uuid: str) -> int:
    db.session.expire_all()
    return (db.session.get_one(Person, person_uuid).due_on - clock.local_date(clock.now())).days


def test_a_period_brings_everybody_in_its_area_forward_and_its_end_back(app, county):
    near, far = county.person_uuids[0], county.other_person_uuid
    with app.app_context():
        see(near, 1)
        see(far, 1)
        period_id = start(VILLAGE)
        assert period_actions.work_out(period_id) == 1
        assert (due_in(near), due_in(far)) == (2, 6)
        assert db.session.get_one(SpecialPeriod, period_id).worked_out_to is None
        # To do it again begins at the first grid, changes nothing, and tells phones nothing.
        see(near, 1)
        with transaction():
            db.session.get_one(Person, near).due_on = day(6)
        assert period_actions.work_out(period_id) == 1
        assert period_actions.work_out(period_id) == 0
        with transaction():
            period_actions.end_period(user_of("officer"), period_id, clock.now())
        db.session.expire_all()
        assert db.session.get_one(SpecialPeriod, period_id).worked_out_to == ""
        assert period_actions.work_out(period_id) == 1
        assert due_in(near) == 6
        with pytest.raises(AppError, match="period_over"), transaction():
            period_actions.end_period(user_of("officer"), period_id, clock.now())
        of_periods = select(AuditEntry.action).where(AuditEntry.subject_kind == "period")
        deeds = db.session.scalars(of_periods.order_by(AuditEntry.id))
        assert list(deeds) == ["period.start", "period.end"]


@pytest.mark.parametrize("is_split", [True, False], ids=["split", "merged"])
def test_periods_of_a_village_hold_on_for_its_people_when_the_map_is_redrawn(app, county, is_split):
    near, far = county.person_uuids[0], county.other_person_uuid
    with app.app_context():
        see(near, 5)
        see(far, 0)
        over = start(VILLAGE, from_on=day(-4))
        with transaction():
            period_actions.end_period(user_of("officer"), over, clock.now())
        start(VILLAGE)
        with transaction():
            officer, now = user_of("officer"), clock.now()
            if is_split:
                area_actions.split_village(officer, VILLAGE, TOWNSHIP + "900", "河东村", [GRID], now=now)
            else:
                area_actions.merge_village(officer, VILLAGE, OTHER_VILLAGE, now=now)
        # Of the period that is over it stays due since then; who was there before is none of the village's.
        assert (due_in(near), due_in(far)) == (-2, 7)
        see(near, 0)
        assert due_in(near) == 3
    held = [record for (kind, _), record in Phone(app, county).pull().items() if kind == "period"]
    assert len(held) == 2


def test_who_fell_due_in_a_period_stays_due_when_it_has_ended(app, county):
    person_uuid = county.person_uuids[0]
    with app.app_context():
        see(person_uuid, 5)
        period_id = start(from_on=day(-4))
        period_actions.work_out(period_id)
        assert due_in(person_uuid) == -2
        with transaction():
            period_actions.end_period(user_of("officer"), period_id, clock.now())
        period_actions.work_out(period_id)
        assert due_in(person_uuid) == -2
        see(person_uuid, 0)
        assert due_in(person_uuid) == 7


def test_one_to_come_and_one_that_will_end_are_in_the_dates_already(app, county):
    person_uuid = county.person_uuids[0]
    with app.app_context():
        see(person_uuid, 0)
        period_actions.work_out(start(from_on=day(5)))
        assert due_in(person_uuid) == 5
        see(county.other_person_uuid, 0)
        assert due_in(county.other_person_uuid) == 5


def test_whoever_comes_into_the_area_follows_and_whoever_leaves_does_not(app, county):
    with app.app_context():
        see(county.other_person_uuid, 1)
        period_actions.work_out(start(VILLAGE))
        with transaction():
            actions.move_household(user_of("supervisor"), county.other_household_uuid, GRID, clock.now())
        assert due_in(county.other_person_uuid) == 2
        with transaction():
            actions.move_household(
                user_of("supervisor"), county.other_household_uuid, OTHER_GRID, clock.now()
            )
        assert due_in(county.other_person_uuid) == 6


def test_what_was_interrupted_is_finished_by_the_command_and_by_hand(app, county, monkeypatch):
    grids = [VILLAGE + f"{number:03}" for number in range(2, 60)]
    with app.app_context():
        people = []
        with transaction():
            for code in grids:
                add_grid(code, code)
                household = actions.add_household(make_household(code, "王桂兰", ["王桂兰"]), clock.now())
                people.append(household.people[0].person_uuid)
        for person_uuid in people:
            see(person_uuid, 1)
        period_id = start(VILLAGE)
        real = actions._set_due

        def trip(household: Household, *more) -> None:
            if household.grid_code == grids[40]:
                raise ZeroDivisionError
            real(household, *more)

        monkeypatch.setattr(actions, "_set_due", trip)
        with pytest.raises(ZeroDivisionError):
            period_actions.work_out(period_id)
        monkeypatch.undo()
        db.session.expire_all()
        assert db.session.get_one(SpecialPeriod, period_id).worked_out_to == VILLAGE + "040"
        assert (due_in(people[0]), due_in(people[-1])) == (2, 6)
    assert "40" in Desk(app, "officer").get(f"/periods/{period_id}/progress").text
    with app.app_context():
        assert period_actions.work_out(period_id) == len(grids) - 40
        assert [due_in(person_uuid) for person_uuid in people] == [2] * len(people)


def test_a_period_ended_while_it_is_worked_out_is_worked_out_again(app, county, monkeypatch):
    person_uuid = county.person_uuids[0]
    with app.app_context():
        see(person_uuid, 1)
        period_id = start()
        real = actions.refresh_due_in

        def end_meanwhile(*given, **more):
            yield from real(*given, **more)
            with transaction():
                period_actions.end_period(user_of("officer"), period_id, clock.now())

        monkeypatch.setattr(period_actions, "refresh_due_in", end_meanwhile)
        period_actions.work_out(period_id)
        monkeypatch.undo()
        db.session.expire_all()
        assert db.session.get_one(SpecialPeriod, period_id).worked_out_to == ""
        period_actions.work_out(period_id)
        assert due_in(person_uuid) == 6


def test_phones_below_learn_of_it_and_of_its_end(app, county):
    phone = Phone(app, county)
    with app.app_context():
        see(county.person_uuids[0], 1)
        phone.pull()
        period_id = start("230183", until_on=day(20))
        period_actions.work_out(period_id)
        records = phone.pull()
        record = records["period", str(period_id)]
        assert (record["name"], record["until_on"]) == ("寒潮", day(20).isoformat())
        assert records["person", county.person_uuids[0]]["due_on"] == day(2).isoformat()
        with transaction():
            period_actions.end_period(user_of("officer"), period_id, clock.now())
        assert phone.pull()["period", str(period_id)]["until_on"] == day(-1).isoformat()


def test_nobody_leaves_dibao_while_a_period_pauses_that_and_an_override_is_audited(app, county):
    person_uuid = county.person_uuids[0]
    with app.app_context():
        period_id = start()
        officer = user_of("officer")

        def change(main_class, **more) -> None:
            with transaction():
                person = db.session.get_one(Person, person_uuid)
                origin = Origin(officer, "desk", clock.now(), **more)
                actions.change_person(person, {"main_class": main_class}, origin)

        with pytest.raises(AppError, match="exit_paused"):
            change("none", reason="收入提高了")
        with pytest.raises(AppError, match="reason_needed"):
            change("none", overrides_pause=True)
        # From one kind of support to another is no exit; a death is recorded at once.
        change("destitute_scattered")
        with transaction():
            person = db.session.get_one(Person, person_uuid)
            actions.change_person(person, {"died_on": day(0)}, Origin(officer, "desk", clock.now()))
        change("none", reason="本人书面放弃", overrides_pause=True)
        [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "period.override"))
        assert entry.values == {
            "period": period_id,
            "before": "destitute_scattered",
            "after": "none",
            "reason": "本人书面放弃",
        }
        change("dibao_rural")
        with transaction():
            period_actions.end_period(officer, period_id, clock.now())
        change("none")


def test_an_officer_switches_on_and_ends_a_period_at_the_desk_and_others_read_it(app, county):
    desk = Desk(app, "officer")
    given = {"area": "230183", "name": "寒潮", "from_on": day(0).isoformat(), "high": "3", "low": "45"}
    wrong = desk.post("/periods", **{**given, "until_on": day(-1).isoformat()})
    assert wrong.status_code == 422
    assert desk.post("/periods", **{**given, "area": "2302"}).status_code == 422
    answer = desk.post("/periods", **given, tags=["care_missing"], pauses_exit="y")
    assert answer.status_code == 303
    with app.app_context():
        period = db.session.scalars(select(SpecialPeriod)).one()
        assert (period.risk_days, period.tags, period.pauses_exit) == (
            {"high": 3, "low": 45},
            ["care_missing"],
            True,
        )
        assert not period.relaxed_papers
        period_id = period.id
    page = desk.get(answer.location).text
    assert f'hx-post="/periods/{period_id}/work-out"' in page
    assert desk.post(f"/periods/{period_id}/work-out").status_code == 303
    supervisor = Desk(app, "supervisor")
    page = supervisor.get("/periods").text
    assert "寒潮" in page
    assert '<form class="stack"' not in page
    assert "work-out" not in page
    assert supervisor.post(f"/periods/{period_id}/end").status_code == 403
    assert desk.post(f"/periods/{period_id}/end").status_code == 303
    assert desk.post(f"/periods/{period_id}/end").status_code == 409


def test_tags_of_special_periods_are_offered_where_one_offers_them_or_they_are_held(app, county):
    with app.app_context():
        assert "care_missing" not in list_choosable(frozenset(), [], GRID)
        assert "care_missing" in list_choosable(frozenset(), ["care_missing"], GRID)
        assert "living_alone" in list_choosable(frozenset(), [], GRID)
        start(VILLAGE)
        assert "care_missing" in list_choosable(frozenset(), [], GRID)
        assert "infected_household" not in list_choosable(frozenset(), [], GRID)
        assert "care_missing" not in list_choosable(frozenset(), [], OTHER_GRID)


def test_the_daily_command_finishes_what_nobody_did(app, county, settings):
    with app.app_context():
        see(county.person_uuids[0], 1)
        period_id = start()
        db.session.rollback()
    said = run_command("due", data_dir=settings.data_dir, database_url=settings.database_url)
    assert "1 household" in said
    with app.app_context():
        assert due_in(county.person_uuids[0]) == 2
        assert db.session.get_one(SpecialPeriod, period_id).worked_out_to is None
