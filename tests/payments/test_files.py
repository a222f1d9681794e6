"""The file of a payment list: who may bring and see it, what its columns must say, and throwing it away."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import func, select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.imports.staging import READING_TAKES
from fieldapp.payments import actions, queries
from fieldapp.payments.models import PaymentList, PaymentRow
from fieldapp.payments.rules import Whole
from fieldapp.people.models import Person
from tests.factories import GRID, OTHER_GRID
from tests.imports.rosters import LIMITS, as_csv, find_user
from tests.payments.lists import DIBAO, HEADER, stage
from tests.payments.village import ROWS

pytestmark = pytest.mark.usefixtures("county")


def test_what_is_thrown_away_is_not_taken_in_and_the_other_way_round(app, village, monkeypatch):
    list_id = stage(app, ROWS[:3])
    really_erase = actions._erase

    def take_first(number: int) -> None:
        held = db.session.get_one(PaymentList, number)
        with pytest.raises(AppError) as refused, transaction():
            actions.start_taking(find_user("supervisor"), held, reason="财政局明细", now=clock.now())
        assert refused.value.code == "payments_state_wrong"
        really_erase(number)

    monkeypatch.setattr(actions, "_erase", take_first)
    with app.app_context():
        held = db.session.get_one(PaymentList, list_id)
        actions.throw_away(find_user("supervisor"), held, clock.now())
        assert db.session.get(PaymentList, list_id) is None
        with pytest.raises(AppError) as refused, transaction():
            actions.start_taking(find_user("supervisor"), held, reason="财政局明细", now=clock.now())
        assert refused.value.code == "not_found"
    other = stage(app, ROWS[:3])
    with app.app_context(), transaction():
        held = db.session.get_one(PaymentList, other)
        actions.start_taking(find_user("supervisor"), held, reason="财政局明细", now=clock.now())
    with app.app_context(), pytest.raises(AppError) as refused:
        actions.throw_away(find_user("supervisor"), held, clock.now())
    assert refused.value.code == "payments_state_wrong"


def test_a_file_on_its_way_into_the_list_is_not_thrown_away(app, village):
    list_id = stage(app, ROWS[:3])
    with app.app_context():
        held = db.session.get_one(PaymentList, list_id)
        with transaction():
            held.state = "reading"
        with pytest.raises(AppError) as refused:
            actions.throw_away(find_user("supervisor"), held, clock.now())
        assert refused.value.code == "payments_state_wrong"
        actions.throw_away(find_user("supervisor"), held, clock.now() + READING_TAKES)
        assert db.session.get(PaymentList, list_id) is None


def test_an_account_without_areas_brings_and_sees_no_list(app, village):
    list_id = stage(app, ROWS[:3])
    with app.app_context():
        admin = find_user("admin")
        with pytest.raises(AppError) as refused:
            actions.stage(admin, "发放明细.csv", io.BytesIO(as_csv([HEADER, *ROWS])), LIMITS, clock.now())
        assert refused.value.code == "payments_no_area"
        with transaction():
            db.session.get_one(PaymentList, list_id).area_codes = []
        with pytest.raises(AppError):
            queries.get_list(list_id, find_user("officer").area_codes())
        assert queries.list_lists(find_user("officer").area_codes(), 1) == ([], False)


def test_a_file_that_was_looked_up_in_fewer_areas_may_come_again(app, village):
    narrow = stage(app, ROWS[:3])
    wide = stage(app, ROWS[:3], username="officer")
    assert wide != narrow
    for username in ("supervisor", "officer"):
        with pytest.raises(AppError) as refused:
            stage(app, ROWS[:3], username=username)
        assert refused.value.code == "payments_known"


def test_of_who_has_left_the_readers_areas_no_more_than_the_masked_name_is_shown(app, village):
    with app.app_context():
        person = db.session.scalars(select(Person).where(Person.name == "新发人")).one()
        names = queries.get_names([person.person_uuid], [GRID])
        assert names == {person.person_uuid: ("新发人", "幸福村2组")}
        assert queries.get_names([person.person_uuid], [OTHER_GRID]) == {person.person_uuid: ("新*人",)}


def test_columns_and_terms_must_say_enough(app, village):
    with app.app_context():
        user = find_user("supervisor")
        content = io.BytesIO(as_csv([HEADER, *ROWS]))
        held = actions.stage(user, "发放明细.csv", content, LIMITS, clock.now())
        for fields, whole, code in (
            (["name", "id_number", ""], DIBAO, "payment_columns_missing"),
            (["", "", "amount"], DIBAO, "payment_columns_missing"),
            (["name", "name", "amount"], DIBAO, "column_twice"),
            (["name", "id_number", "amount"], Whole("dibao", "public", None, None), "payment_terms_missing"),
        ):
            with pytest.raises(AppError) as refused, transaction():
                actions.choose_columns(user, held, fields, whole, clock.now())
            assert refused.value.code == code
        actions.throw_away(user, held, clock.now())
        assert db.session.scalar(select(func.count()).select_from(PaymentRow)) == 0
