"""The charts: figures as worked out by hand, each the length of the list it opens, of what the reader may know."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

from fieldapp.areas import queries as areas
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup
from fieldapp.followups.queries import FollowupFilter
from fieldapp.overview.charts_queries import get_charts
from tests.factories import TOWNSHIP, VILLAGE, Desk
from tests.followups.test_actions import actor, make_task
from tests.followups.test_who_may_know import complaint_of, declare
from tests.statements import noted

# A Wednesday, ten in the morning at Beijing.
NOW = datetime(2026, 12, 2, 2, tzinfo=UTC)
CELL = re.compile(r'<td class="figure"><a href="([^"]+)">(\d+)</a></td>')
TASK = re.compile(r'href="/followups/([0-9a-f-]{36})"')


def make_past(county, days_ago: float, took: float | None = None, *, now: datetime = NOW, **values) -> str:
    """A task made so many days ago, checked and closed after `took` days."""
    task = make_task(county)
    task.created_at = now - timedelta(days=days_ago)
    if took is not None:
        task.state, task.closed_at = "verified", task.created_at + timedelta(days=took)
    for name, value in values.items():
        setattr(task, name, value)
    return task.followup_id


def test_median_and_share_are_of_the_week_a_task_was_made_in(app, county):
    with app.app_context(), transaction():
        for took in (1, 2, 9, None):
            make_past(county, 14, took)
        make_past(county, 1, 0.5)
        make_past(county, 1)
        make_past(county, 1, 1, state="cancelled")
        make_past(county, 100)
        below = areas.list_children([TOWNSHIP])
        charts = get_charts(actor(county), FollowupFilter(view="all"), below, NOW)
        (old, new) = [one for one in charts.weeks.values() if one.helped]
    assert (old.open, old.helped, old.median_days, old.soon_percent) == (1, 3, 2.0, 50)
    # What is younger than seven days and open says nothing yet.
    assert (new.open, new.helped, new.median_days, new.soon_percent) == (1, 1, 0.5, 100)
    assert charts.earlier_open == 1
    assert [(area.code, one.open, one.helped) for area, one in charts.areas] == [(VILLAGE, 3, 4)]


def test_every_figure_is_the_length_of_the_list_it_opens(app, county):
    now = clock.now()
    with app.app_context(), transaction():
        for days, took in ((0.01, None), (8, 2), (8, None), (20, 3), (80, None), (80, 5)):
            make_past(county, days, took, now=now)
    desk = Desk(app)
    with noted() as of_list:
        desk.get("/followups")
    with noted() as of_charts:
        page = desk.get("/charts").text
    assert len(of_charts) <= len(of_list)
    cells = [(html.unescape(address), int(count)) for address, count in CELL.findall(page)]
    assert sum(count for _, count in cells) == (3 + 2) + (3 + 2)
    for address, count in cells:
        assert len(TASK.findall(desk.get(address).text)) == count, address


def test_nobody_counts_what_they_may_not_know(app, county):
    now = clock.now()
    with app.app_context(), transaction():
        make_past(county, 1, now=now, is_abuse=True)
    declare(app, county, "leader")
    complaint = complaint_of(app, county)
    with app.app_context():
        assert db.session.get_one(Followup, complaint).is_restricted
    counted = {
        name: sum(
            int(count)
            for address, count in CELL.findall(Desk(app, name).get("/charts").text)
            if "since" in address
        )
        for name in ("officer", "leader", "stranger")
    }
    assert counted == {"officer": 2, "leader": 0, "stranger": 0}
