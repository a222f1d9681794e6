"""Rules that raise flags, as each county sets them, and what becomes of their flags."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from fieldapp.core.db import db
from fieldapp.core.guard import ROLES
from fieldapp.reviews import flag_rule_queries as queries
from fieldapp.reviews.flag_rule_queries import Outcome
from fieldapp.reviews.models import Flag, FlagRuleSetting
from fieldapp.reviews.rules import THRESHOLDS
from tests.factories import GRID, HOME, Desk, Phone
from tests.followups.test_pages import words_of

COUNTY = GRID[:6]
PATH = f"/flag-rules/{COUNTY}/far_from_home"
PAGE = f"/flag-rules/rule?county={COUNTY}&rule=far_from_home"
SET = {"based_on": "0", "is_on": "y", "distance_m": "2000", "severity": "orange", "reason": "山区定位偏差大"}


def send_from_afar(phone: Phone, degrees: float = 0.01) -> str:
    """A visit about a kilometre from the home; its uuid."""
    body = phone.visit()
    body["location"]["lat"] = HOME[0] + degrees
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    return body["visit_uuid"]


def flags_of(app, visit_uuid: str) -> dict[str, Flag]:
    with app.app_context():
        return {
            flag.rule: flag for flag in db.session.scalars(select(Flag).where(Flag.visit_uuid == visit_uuid))
        }


def test_every_rule_of_the_code_table_is_known_and_has_its_threshold(app):
    with app.app_context():
        shipped = queries.get_shipped()
    assert set(shipped) == set(THRESHOLDS)
    for rule, thresholds in THRESHOLDS.items():
        for threshold in thresholds:
            assert threshold.least <= shipped[rule][threshold.name] <= threshold.most, rule


def test_county_sets_its_own_threshold_and_what_was_raised_stays(app, county, phone):
    before = send_from_afar(phone)
    desk = Desk(app, "officer")
    assert desk.post(PATH, **SET).status_code == 303
    after, far = send_from_afar(phone), send_from_afar(phone, 0.05)
    assert flags_of(app, before)["far_from_home"].severity == "yellow"
    assert flags_of(app, after) == {}
    flag = flags_of(app, far)["far_from_home"]
    assert (flag.severity, flag.evidence["limit_m"]) == ("orange", 2000)
    page = words_of(desk.get(PAGE))
    assert "山区定位偏差大" in page
    assert "2.0 公里" in page


def test_rule_that_is_switched_off_raises_nothing(app, county, phone):
    fields = {name: value for name, value in SET.items() if name != "is_on"}
    Desk(app, "officer").post(PATH, **fields)
    assert flags_of(app, send_from_afar(phone)) == {}
    assert "已停用" in words_of(Desk(app).get("/flag-rules"))


def test_another_county_keeps_the_shipped_threshold(app, county):
    Desk(app, "officer").post(PATH, **SET)
    with app.app_context():
        assert queries.get_limits(GRID)["far_from_home"]["distance_m"] == 2000
        assert queries.get_limits("230110001001001")["far_from_home"]["distance_m"] == 500
        assert queries.list_departing([COUNTY, "230110"]) == {COUNTY: 1}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"distance_m": "10"}, "50 至 100000"),
        ({"distance_m": "很远"}, ""),
        ({"distance_m": ""}, "50 至 100000"),
        ({"severity": "purple"}, ""),
        ({"reason": " "}, "原因"),
    ],
)
def test_what_cannot_be_set_is_said_and_nothing_typed_is_lost(app, county, wrong, said):
    answer = Desk(app, "officer").post(PATH, **{**SET, **wrong})
    assert answer.status_code == 422
    assert said in words_of(answer)
    if "reason" not in wrong:
        assert "山区定位偏差大" in answer.text
    with app.app_context():
        assert db.session.scalars(select(FlagRuleSetting)).first() is None


def test_of_two_who_set_a_rule_at_once_the_second_is_told(app, county):
    desk = Desk(app, "officer")
    desk.post(PATH, **SET)
    answer = desk.post(PATH, **{**SET, "distance_m": "900"})
    assert answer.status_code == 409
    assert desk.post(PATH, **{**SET, "distance_m": "900", "based_on": "1"}).status_code == 303


@pytest.mark.parametrize("role", [*ROLES, "stranger", "stranger_officer"])
def test_rule_is_set_by_an_officer_of_the_county_alone(app, county, role):
    expected = {"officer": 303, "stranger_officer": 404}
    assert Desk(app, role).post(PATH, **SET).status_code == expected.get(role, 403)


def test_figures_of_a_rule_open_the_visits_they_count(app, county, phone):
    desk = Desk(app)
    uuids = [send_from_afar(phone) for _ in range(4)]
    ids = [flags_of(app, uuid)["far_from_home"].id for uuid in uuids]
    desk.post(f"/reviews/flags/{ids[0]}/confirm")
    for flag_id in ids[1:3]:
        desk.post(f"/reviews/flags/{flag_id}/dismiss", reason="老人在女儿家", flag_id=flag_id)
    page = desk.get("/flag-rules").text.replace("&amp;", "&")
    links = {
        re.search(r"found=(\w+)", address)[1]: (address, int(count))
        for address, count in re.findall(
            r'<a href="(/reviews\?[^"]*rule=far_from_home[^"]*)">(\d+)</a>', page
        )
    }
    assert {state: count for state, (_, count) in links.items()} == {
        "confirmed": 1,
        "dismissed": 2,
        "open": 1,
    }
    for address, count in links.values():
        assert len(set(re.findall(r'href="/reviews/([0-9a-f-]{36})', desk.get(address).text))) == count
    assert words_of(desk.get(PAGE)).count("老人在女儿家") == 2


@pytest.mark.parametrize(
    ("confirmed", "dismissed", "is_noisy"),
    [(0, 19, False), (0, 20, True), (3, 17, True), (4, 16, False), (20, 0, False)],
)
def test_rule_is_noisy_when_few_of_many_were_confirmed(confirmed, dismissed, is_noisy):
    assert Outcome(5, confirmed, dismissed).is_noisy is is_noisy
