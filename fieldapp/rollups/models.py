"""Counts by grid and week, the changes that are not yet in them, and what decides in which week something counts.

Invariant: what an area counts is the sum of its rows in `rollups` (or, for counties and wider, in `county_rollups`) and of
all `rollup_changes`. Writers only add changes: nobody waits for a row that somebody else counts in.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from fieldapp.core.db import AreaCode, Base, Instant, UuidText
from fieldapp.rollups.columns import COLUMNS, GOODS, MONEY, WORTH

Since = String(10)


class _Counts:
    """A column for everything that is counted (`rollups.columns`)."""


def _add_column(name: str) -> None:
    said = "Cents." if name in {*MONEY, *WORTH} else "Thousandths." if name in GOODS else "How many."
    said = "Hours, in all." if name == "help_hours" else said
    made = declared_attr(
        lambda cls: mapped_column(BigInteger, nullable=False, default=0, server_default="0", doc=said)
    )
    setattr(_Counts, name, made)


for _name in COLUMNS:
    _add_column(_name)


class Rollup(_Counts, Base):
    """What is counted in a grid and week. A row of a wider area puts right what its parts count twice, or differently."""

    __tablename__ = "rollups"

    area_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="Grid, or wider area.")
    since: Mapped[str] = mapped_column(
        Since,
        primary_key=True,
        doc="`week`: counts of that week alone. A day: what the week changed in the count of everybody since the week that "
        "ends on that day.",
    )
    week_on: Mapped[date] = mapped_column(primary_key=True, doc="The week, by the day it ends on.")


class CountyRollup(_Counts, Base):
    """The same, all grids of a county in one row; of a city or province: what puts right what its counties count twice."""

    __tablename__ = "county_rollups"

    area_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="County, or wider area.")
    since: Mapped[str] = mapped_column(Since, primary_key=True, doc="As in rollups.")
    week_on: Mapped[date] = mapped_column(primary_key=True, doc="As in rollups.")

    __table_args__ = (
        # The weeks of a city or province, of which the years before need not be read; and what was ever found and solved.
        Index(
            "ix_county_rollups_week",
            *("since", "week_on", "area_code"),
            postgresql_include=["found", "solved", "unfounded"],
        ),
    )


class RollupChange(_Counts, Base):
    """What a transaction changed, until it is folded into the rows above."""

    __tablename__ = "rollup_changes"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, doc="Number."
    )
    area_code: Mapped[str] = mapped_column(AreaCode, doc="As in rollups.")
    since: Mapped[str] = mapped_column(Since, doc="As in rollups.")
    week_on: Mapped[date] = mapped_column(doc="As in rollups.")


_Key = "Of the household or person; of a worker the number, written as a UUID."


class Repeated(Base):
    """A part of a city or province that counts somebody whom other parts of it count, too. None that does is missing; some no
    longer do.
    """

    __tablename__ = "repeated"

    area_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="The city or province.")
    kind: Mapped[str] = mapped_column(
        String(10), primary_key=True, doc="household, person, worker, or screened: a person too."
    )
    key: Mapped[str] = mapped_column(UuidText, primary_key=True, doc=_Key)
    part: Mapped[str] = mapped_column(
        AreaCode, primary_key=True, doc="County of the city, or city of the province."
    )
    week_on: Mapped[date] = mapped_column(doc="Last week in which it counts them.")


class AmendedContact(Base):
    """A contact that came to count, or no longer does, in a week that its county had confirmed, or one before such a week:
    the sheets that were made until then do not know of it.
    """

    __tablename__ = "amended_contacts"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, doc="Number."
    )
    kind: Mapped[str] = mapped_column(String(10), doc="As in repeated.")
    key: Mapped[str] = mapped_column(UuidText, doc=_Key)
    at: Mapped[datetime] = mapped_column(Instant, doc="When it ended; of a screening, when it was brought.")
    area_code: Mapped[str] = mapped_column(AreaCode, doc="Grid.")
    week_on: Mapped[date] = mapped_column(doc="The week it counts in.")
    columns: Mapped[Any] = mapped_column(JSON, doc="Columns of the report it counts in.")
    by: Mapped[int] = mapped_column(doc="1: it came to count; -1: it no longer does.")

    __table_args__ = (Index("ix_amended_contacts_key", "key", "kind"),)


class WeekCut(Base):
    """Since when weeks end on which day at which time; before the first: Friday at noon."""

    __tablename__ = "week_cuts"

    from_on: Mapped[date] = mapped_column(primary_key=True, doc="First day on which a week can end so.")
    weekday: Mapped[int] = mapped_column(doc="0 for Monday to 6.")
    at: Mapped[time] = mapped_column(doc="Time in Asia/Shanghai.")
    set_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who set it.")
    set_at: Mapped[datetime] = mapped_column(Instant, doc="When.")


class ClosedWeek(Base):
    """A week that a county has confirmed: what arrives for it now counts in the week it arrives in."""

    __tablename__ = "closed_weeks"

    county_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="County or 市本级.")
    week_on: Mapped[date] = mapped_column(primary_key=True, doc="The week.")


class RunningCount(Base):
    """A running count besides that of the year: since a special period began."""

    __tablename__ = "running_counts"

    area_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="Where: with all below it.")
    first_week_on: Mapped[date] = mapped_column(primary_key=True, doc="The week it begins with.")
