"""The tree of areas, province to grid.

Invariant: a parent's code is a prefix of its children's.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import AreaCode, Base

# Digits of a code by level, from the top down.
LEVELS = {"province": 2, "city": 4, "county": 6, "township": 9, "village": 12, "grid": 15}


class Area(Base):
    """A province, city, county, township, village (or community) or grid."""

    __tablename__ = "areas"

    code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="2, 4, 6, 9, 12 or 15 digits.")
    name: Mapped[str] = mapped_column(
        String(80), doc="As the statistics list has it; of a grid, as the county calls it."
    )
    level: Mapped[str] = mapped_column(String(10), doc="A key of LEVELS.")
    parent_code: Mapped[str | None] = mapped_column(
        ForeignKey("areas.code"), index=True, doc="The area above."
    )
    duty_phone: Mapped[str | None] = mapped_column(String(30), doc="值班电话 of a township or county.")
    valid_from: Mapped[date | None] = mapped_column(doc="First day; empty: since ever.")
    valid_to: Mapped[date | None] = mapped_column(doc="Last day; empty: still valid.")
    successor_code: Mapped[str | None] = mapped_column(ForeignKey("areas.code"), doc="What took its place.")

    @property
    def is_ended(self) -> bool:
        """Whether nobody lives in it any more: an area ends on the day it is ended."""
        return self.valid_to is not None
