"""What each sees of cases, and what each is told."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.notices.models import Notice
from fieldapp.relief.models import ReliefCase
from tests.factories import OTHER_GRID, Desk
from tests.followups.test_pages import words_of
from tests.relief.desk import declare


def test_each_sees_what_waits_for_them(app, make_case):
    cases = {
        "applied": make_case("applied"),
        "small": make_case("proposed", cents=100_00),
        "large": make_case("proposed", cents=9_000_00),
        "urgent": make_case("applied", is_urgent=True),
        "approved": make_case("approved"),
        "closed": make_case("closed"),
    }
    waits = {
        "supervisor": {"applied", "urgent", "approved"},
        "leader": {"small", "urgent"},
        "officer": {"large"},
        "stranger": set(),
        "stranger_officer": set(),
    }
    for username, expected in waits.items():
        page = Desk(app, username).get("/relief?view=needs").text
        assert {name for name, case_id in cases.items() if case_id in page} == expected, username
    home = words_of(Desk(app, "leader").get("/"))
    assert "2 件临时救助待您处理" in home


def test_whoever_takes_the_next_step_is_told_and_no_relative(app, county, office, make_case):
    declare(app, county, "leader")
    make_case("proposed")
    with app.app_context():
        told = {
            (notice.user_id, notice.cause)
            for notice in db.session.scalars(select(Notice).where(Notice.subject == "relief"))
        }
        # The leader is a near relative: the county is told in their place.
        assert (county.users["officer"], "relief.proposed") in told
        assert county.users["leader"] not in {user_id for user_id, _ in told}
        [notice] = db.session.scalars(select(Notice).where(Notice.cause == "relief.proposed"))
        assert "刘玉珍" not in str(notice.params)


def test_relatives_are_told_nothing_of_a_case_of_suspected_abuse(app, county, make_case):
    case_id = make_case("proposed")
    with app.app_context(), transaction():
        db.session.get_one(ReliefCase, case_id).is_abuse = True
    declare(app, county, "leader")
    leader = Desk(app, "leader")
    assert leader.get(f"/relief/{case_id}").status_code == 404
    assert case_id not in leader.get("/relief").text
    assert case_id in Desk(app, "officer").get("/relief").text


def test_list_narrows_by_state_channel_area_and_lateness(app, make_case):
    late = make_case("applied", channel="hotline")
    other = make_case("accepted", area_code=OTHER_GRID)
    with app.app_context(), transaction():
        db.session.get_one(ReliefCase, late).due_at = clock.now() - timedelta(hours=1)
    desk = Desk(app)

    def shown(query: str) -> set[str]:
        page = desk.get(f"/relief{query}").text
        return {case_id for case_id in (late, other) if case_id in page}

    assert shown("") == {late, other}
    assert shown("?view=late") == {late}
    assert shown("?state=accepted") == {other}
    assert shown("?channel=hotline") == {late}
    assert shown(f"?area={OTHER_GRID}") == {other}
    assert shown("?view=settled") == set()
    assert shown("?view=nonsense&state=x&channel=y&area=z&page=0") == {late, other}


def test_look_up_says_that_somebody_was_given_relief_and_which_county_to_call(app, make_case):
    make_case("approved", registered=False, id_number="230183195005041249", applicant_name="孙路过")
    page = words_of(
        Desk(app, "stranger").post(
            "/people/registered", id_number="230183195005041249", reason="申请临时救助"
        )
    )
    assert "未登记" in page
    assert "一年内已救助" in page
    assert "尚志市" in page
    assert "孙路过" not in page
