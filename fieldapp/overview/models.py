"""What stood at the end of each week, and where counties are on a map.

Invariant: written by the server's own minute alone, and never again once it is noted.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import AreaCode, Base, Instant


class CoverageWeek(Base):
    """How many people of a class were to be seen in an area when a week ended, and how many of them were not in time."""

    __tablename__ = "coverage_weeks"

    area_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="Township, or any area above.")
    week_on: Mapped[date] = mapped_column(
        primary_key=True, index=True, doc="The week, by the day it ends on."
    )
    main_class: Mapped[str] = mapped_column(String(40), primary_key=True, doc="Code table class.")
    asked: Mapped[int] = mapped_column(doc="People who are to be seen.")
    overdue: Mapped[int] = mapped_column(doc="Of them, those overdue.")
    tried: Mapped[int] = mapped_column(doc="Of these, those whom somebody tried to see in vain.")
    noted_at: Mapped[datetime] = mapped_column(
        Instant, doc="When it was noted: soon after the week ended, or when the server was there again."
    )


class CountyMiddle(Base):
    """The middle of the households of a county: where it stands on the map of a wider area."""

    __tablename__ = "county_middles"

    county_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="The county.")
    lat: Mapped[float] = mapped_column(doc="Degrees, WGS-84 to within a kilometre.")
    lon: Mapped[float] = mapped_column(doc="Degrees, WGS-84 to within a kilometre.")
