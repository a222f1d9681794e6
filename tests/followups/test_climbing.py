"""Overdue tasks go up one level per missed step, by the clock, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.codes import find_code
from fieldapp.core.db import db, transaction
from fieldapp.followups import actions
from fieldapp.followups.models import Followup, FollowupEvent
from fieldapp.users.actions import add_user
from tests.factories import PASSWORD, TOWNSHIP, Desk
from tests.followups.test_actions import STATES, actor, make_task, take
from tests.followups.test_pages import tasks_by_section, words_of

# An orange task waits a day between two levels, as shipped.
STEP = timedelta(hours=24)


@pytest.fixture
def task(app, county) -> Followup:
    """An open orange task of the worker, due tomorrow."""
    with app.app_context(), transaction():
        return make_task(county)


def climbs_of(followup_id) -> list[str]:
    events = select(FollowupEvent.level).where(
        FollowupEvent.followup_id == followup_id, FollowupEvent.step == "climbed"
    )
    return list(db.session.scalars(events.order_by(FollowupEvent.id)))


def test_task_climbs_one_level_per_missed_step_and_each_once(app, task):
    with app.app_context():
        assert actions.climb(task.due_at - timedelta(seconds=1)) == 0
        for number, level in enumerate(("township", "county", "city")):
            now = task.due_at + number * STEP
            assert [actions.climb(now), actions.climb(now)] == [1, 0]
            assert climbs_of(task.followup_id)[-1] == level
        actions.climb(task.due_at + 3 * STEP)
        actions.climb(task.due_at + 9 * STEP)
        assert climbs_of(task.followup_id) == ["township", "county", "city"]


def test_after_a_long_time_off_it_climbs_by_single_steps(app, task):
    with app.app_context():
        now = task.due_at + 30 * STEP
        actions.climb(now)
        assert climbs_of(task.followup_id) == ["township"]
        actions.climb(now + STEP)
        assert climbs_of(task.followup_id) == ["township", "county"]


def test_what_a_supervisor_has_to_do_goes_past_the_supervisor(app, county):
    with app.app_context():
        with transaction():
            task = make_task(county, assignee_id=county.users["supervisor"])
        actions.climb(task.due_at)
        assert climbs_of(task.followup_id) == ["county"]


@pytest.mark.parametrize("state", STATES)
def test_only_what_waits_for_somebody_climbs(app, task, state):
    with app.app_context():
        with transaction():
            db.session.get_one(Followup, task.followup_id).state = state
        assert actions.climb(task.due_at) == (state in {"open", "refused"})


def test_hours_are_in_the_code_table(app, task):
    with app.app_context():
        with transaction():
            row = find_code("severity", "orange")
            row.extra = row.extra | {"climb_hours": 2}
        actions.climb(task.due_at)
        assert actions.climb(task.due_at + timedelta(hours=1, minutes=59)) == 0
        assert actions.climb(task.due_at + timedelta(hours=2)) == 1


def test_new_date_starts_anew_and_the_level_stays(app, county, task):
    with app.app_context():
        actions.climb(task.due_at)
        due_at = task.due_at + timedelta(days=3)
        with transaction():
            actions.hand_out_followup(
                actor(county),
                task.followup_id,
                assignee_id=county.users["worker"],
                due_at=due_at,
                instructions=None,
                now=task.due_at,
            )
        assert actions.climb(due_at - timedelta(seconds=1)) == 0
        assert actions.climb(due_at) == 1
        assert climbs_of(task.followup_id) == ["township", "county"]


def test_result_stops_it_and_sent_back_it_goes_on(app, county, phone, task):
    with app.app_context():
        actions.climb(task.due_at)
        assert take("record", county, phone, task.followup_id) is None
        assert actions.climb(task.due_at + 5 * STEP) == 0
        assert take("reopen", county, phone, task.followup_id) is None
        later = max(task.due_at, clock.now() + STEP)
        assert actions.climb(later + timedelta(minutes=1)) == 1


def test_board_shows_what_has_climbed_to_the_reader(app, county, task):
    since = clock.now() - timedelta(days=1)
    with app.app_context():
        with transaction():
            add_user("city", PASSWORD, "测试city", "officer", [TOWNSHIP[:4]], actor=None, now=since)
        actions.climb(task.due_at)
    desks = {name: Desk(app, name) for name in ("supervisor", "leader", "officer", "city")}
    mine = "超期后升级给您的"
    for level, told in (
        ("township", set()),
        ("county", {"leader", "officer"}),
        ("city", set(desks) - {"supervisor"}),
    ):
        with app.app_context():
            if level != "township":
                now = db.session.get_one(Followup, task.followup_id, populate_existing=True).climbs_at
                assert now
                actions.climb(now)
        for name, desk in desks.items():
            assert (mine in tasks_by_section(desk.get("/followups"))) == (name in told), (level, name)
        for chosen in ("township", "county", "city"):
            shown = tasks_by_section(desks["officer"].get(f"/followups?climbed={chosen}"))
            assert bool(shown) == (chosen == level), (level, chosen)
    assert "已升级到市" in words_of(desks["city"].get(f"/followups/{task.followup_id}"))
