"""The tree of areas, province to grid; beside the counties, 市本级 with the units directly under a city.

Invariant: a parent's code is a prefix of its children's.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import AreaCode, Base, EncryptedText

# Digits of a code by level, from the top down.
LEVELS = {"province": 2, "city": 4, "county": 6, "township": 9, "village": 12, "grid": 15}
# 市本级 and its units (救助管理站, 福利院) are no areas of any list. Their codes are ours, shown to nobody, and begin as no
# county's do: what goes by the beginning of a code holds for them too (docs/decisions/0013).
PROPER, UNIT = "proper", "unit"
PROPER_ENDING = "00"
# Where households are.
LOWEST = ("grid", UNIT)


class Area(Base):
    """A province, city, county, township, village (or community) or grid; 市本级 of a city, or a unit in it."""

    __tablename__ = "areas"

    code: Mapped[str] = mapped_column(
        AreaCode, primary_key=True, doc="2, 4, 6, 9, 12 or 15 digits; of 市本级 6, of a unit 15."
    )
    name: Mapped[str] = mapped_column(
        String(80), doc="As the statistics list has it; of a grid or a unit, as whoever drew it calls it."
    )
    level: Mapped[str] = mapped_column(String(10), doc="A key of LEVELS, proper or unit.")
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

    @property
    def holds_households(self) -> bool:
        """Whether households are in it: a grid or a unit."""
        return self.level in LOWEST

    @property
    def shown_code(self) -> str:
        """Its code, where that is one people know."""
        return "" if self.level in {PROPER, UNIT} else self.code


class Unit(Base):
    """What is known of a unit directly under a city besides its name."""

    __tablename__ = "units"

    code: Mapped[str] = mapped_column(ForeignKey(Area.code), primary_key=True, doc="Which one.")
    kind: Mapped[str] = mapped_column(String(40), doc="Code table unit_kind.")
    address: Mapped[str] = mapped_column(String(200), default="", doc="Where it is.")
    contact: Mapped[str] = mapped_column(String(80), default="", doc="Whom to ask for.")
    phone: Mapped[str | None] = mapped_column(EncryptedText("units.phone"), doc="Of the contact.")
