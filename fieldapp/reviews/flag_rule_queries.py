"""Reads of the rules that raise flags: as shipped, and as a county has set them.

Invariant: of a county's settings of a rule the last one holds; without one, what the code table says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import distinct, func, select

from fieldapp.areas.queries import county_of
from fieldapp.core import scope
from fieldapp.core.codes import get_codes
from fieldapp.core.db import db
from fieldapp.reviews.models import Flag, FlagRuleSetting
from fieldapp.reviews.queries import Hidden
from fieldapp.reviews.rules import THRESHOLDS

# A rule is noisy when of so many decisions fewer than so many in a hundred confirmed it.
NOISY_FROM, NOISY_PERCENT = 20, 20
# Reasons of dismissals that are shown.
REASONS = 20


def get_limits(area_code: str) -> dict[str, dict[str, Any]]:
    """The settings of every rule that hold in an area, by rule: {enabled, severity, followup, and its threshold by name}."""
    current = get_current(county_of(area_code))
    limits = get_shipped()
    for rule, setting in current.items():
        if rule in limits:
            limits[rule].update(_as_limits(rule, setting))
    return limits


def get_shipped() -> dict[str, dict[str, Any]]:
    """The settings of every rule as the code table has them."""
    return {code: dict(row.extra) for code, row in get_codes("flag_rule").items()}


def get_current(county_code: str) -> dict[str, FlagRuleSetting]:
    """By rule, the setting of a county that holds; a rule it never set is not there."""
    rows = db.session.scalars(
        select(FlagRuleSetting)
        .where(FlagRuleSetting.county_code == county_code)
        .order_by(FlagRuleSetting.rule, FlagRuleSetting.number)
    )
    return {row.rule: row for row in rows}


def list_departing(county_codes: list[str]) -> dict[str, int]:
    """Of those counties, how many rules each has set otherwise than shipped."""
    shipped = get_shipped()
    rows = db.session.scalars(
        select(FlagRuleSetting)
        .where(FlagRuleSetting.county_code.in_(county_codes))
        .order_by(FlagRuleSetting.county_code, FlagRuleSetting.rule, FlagRuleSetting.number)
    )
    current = {(row.county_code, row.rule): row for row in rows}
    departing: dict[str, int] = {}
    for (county, rule), row in current.items():
        if any(shipped.get(rule, {}).get(name) != value for name, value in _as_limits(rule, row).items()):
            departing[county] = departing.get(county, 0) + 1
    return departing


@dataclass
class Outcome:
    """What became of the visits with a flag of a rule."""

    open: int = 0
    confirmed: int = 0
    dismissed: int = 0

    @property
    def decided(self) -> int:
        """How many somebody has decided on."""
        return self.confirmed + self.dismissed

    @property
    def is_noisy(self) -> bool:
        """Whether so few of many were confirmed that the rule is better turned down."""
        return self.decided >= NOISY_FROM and self.confirmed * 100 < NOISY_PERCENT * self.decided


def count_outcomes(area_codes: Sequence[str], hidden: Hidden, since: datetime) -> dict[str, Outcome]:
    """By rule, the visits with a flag of it raised since then, by what became of the flag. Voided visits count too."""
    rows = db.session.execute(
        select(Flag.rule, Flag.state, func.count(distinct(Flag.visit_uuid)))
        .where(
            Flag.rule.in_(["answer", *THRESHOLDS]),
            scope.within(Flag.area_code, area_codes),
            Flag.raised_at >= since,
            Flag.visit_uuid.not_in(hidden),
        )
        .group_by(Flag.rule, Flag.state)
    )
    outcomes: dict[str, Outcome] = {}
    for rule, state, count in rows:
        setattr(outcomes.setdefault(rule, Outcome()), state, count)
    return outcomes


def list_dismissed(area_codes: Sequence[str], hidden: Hidden, rule: str, since: datetime) -> list[Flag]:
    """The flags of a rule that were dismissed last, the latest first: their reasons say what the rule gets wrong."""
    return list(
        db.session.scalars(
            select(Flag)
            .where(
                Flag.rule == rule,
                Flag.state == "dismissed",
                scope.within(Flag.area_code, area_codes),
                Flag.raised_at >= since,
                Flag.visit_uuid.not_in(hidden),
            )
            .order_by(Flag.raised_at.desc(), Flag.id.desc())
            .limit(REASONS)
        )
    )


def _as_limits(rule: str, setting: FlagRuleSetting) -> Mapping[str, Any]:
    named = {limit.name for limit in THRESHOLDS.get(rule, ())}
    thresholds = {name: value for name, value in setting.thresholds.items() if name in named}
    return {"enabled": setting.is_on, "severity": setting.severity, **thresholds}
