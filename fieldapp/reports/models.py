"""Reports as they were confirmed, and the reminders that went out.

Invariant: a sheet never changes. A county that confirms anew, and a city that corrects, add another one under the next number.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import Base, Instant


class ReportSheet(Base):
    """The figures of an area and week as somebody confirmed them."""

    __tablename__ = "report_sheets"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    area_code: Mapped[str] = mapped_column(
        ForeignKey("areas.code"),
        doc="County or 市本级, whose figures it has; or a city, with a row for each.",
    )
    week_on: Mapped[date] = mapped_column(index=True, doc="The week, by the day it ends on.")
    number: Mapped[int] = mapped_column(
        doc="0 for the first; of a city: which 更正表; of a county: how often it confirmed anew."
    )
    since_on: Mapped[date] = mapped_column(doc="The week its running figures begin with.")
    figures: Mapped[Any] = mapped_column(
        JSON,
        doc="{sum, rows}: each row {code, name, week, total}, figures by column, none where not reported; goods; and basis: "
        "the week its running figures begin with, and up to which number it knows of amended contacts.",
    )
    foot: Mapped[dict[str, str]] = mapped_column(
        JSON, doc="{head, checker, filler, phone}: who answers for it."
    )
    reason: Mapped[str | None] = mapped_column(Text, doc="Of a correction: why.")
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who confirmed it.")
    made_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    returned_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who of the city gave it back to the county."
    )
    returned_at: Mapped[datetime | None] = mapped_column(Instant, doc="When.")
    returned_reason: Mapped[str | None] = mapped_column(Text, doc="Why.")

    __table_args__ = (UniqueConstraint("area_code", "week_on", "number"),)


class ReportReminder(Base):
    """A reminder of a week that went out."""

    __tablename__ = "report_reminders"

    week_on: Mapped[date] = mapped_column(primary_key=True, doc="The week.")
    name: Mapped[str] = mapped_column(String(10), primary_key=True, doc="before or today.")
    sent_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
