"""What is warned of, and what stands on the public list."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.relief import policy_actions, queries
from fieldapp.relief.models import ReliefCase
from fieldapp.relief.policy_queries import FIRST
from tests.factories import Desk
from tests.followups.test_pages import words_of
from tests.relief.desk import typed


def test_same_cause_within_a_year_and_much_in_a_year_are_warned_of_and_block_nothing(app, office, make_case):
    first = make_case("paid", cents=900_00)
    with app.app_context(), transaction():
        policy_actions.set_policy(
            office["officer"],
            "230183",
            based_on=0,
            terms={**FIRST, "year_ceiling": 1_000_00},
            reason="测试",
            now=clock.now(),
        )
    again = make_case("proposed", cents=200_00)
    page = words_of(Desk(app, "leader").get(f"/relief/{again}"))
    assert "已因同一事由救助" in page
    assert "今年累计 1,100.00 元，超过 1,000.00 元" in page
    assert Desk(app, "leader").post(f"/relief/{again}/approve", **typed(amount="200")).status_code == 303
    with app.app_context(), transaction():
        case = db.session.get_one(ReliefCase, first)
        case.approved_at = clock.now() - timedelta(days=800)
    other_id = make_case("proposed", cents=200_00, cause="disaster")
    with app.app_context():
        other = db.session.get_one(ReliefCase, other_id)
        warnings = queries.list_warnings(other, 200_00, clock.now())
        assert (warnings.same_cause, warnings.year_cents) == ([], 400_00)


def test_same_person_is_known_by_the_id_number_whatever_household_was_entered(app, make_case):
    make_case("paid", registered=False, id_number="230183195005041249", cents=300_00)
    again = make_case("proposed", registered=False, id_number="230183195005041249")
    assert "已因同一事由救助" in words_of(Desk(app, "leader").get(f"/relief/{again}"))


def test_public_list_masks_names_and_says_nothing_of_minors(app, county, make_case):
    make_case("approved", cents=800_00)
    make_case("approved", registered=False, applicant_name="孙路过", id_number="230183201505041249")
    make_case("proposed")
    hidden = make_case("approved", cents=77_00)
    with app.app_context(), transaction():
        db.session.get_one(ReliefCase, hidden).is_abuse = True
    desk = Desk(app)
    page = words_of(desk.get("/relief/public"))
    assert "刘*珍" in page
    assert "某某" in page
    assert "800.00" in page
    for secret in ("刘玉珍", "孙路过", "孙", "77.00", "230183201505041249"):
        assert secret not in page
    file = desk.get("/relief/public/workbook")
    assert file.status_code == 200
    assert file.data[:2] == b"PK"
    with app.app_context():
        assert db.session.scalars(select(AuditEntry).where(AuditEntry.action == "relief.export")).one()
    assert "没有批准" in words_of(desk.get("/relief/public?month=2020-01"))
