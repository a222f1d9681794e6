"""Screenings (数据筛查): lists from elsewhere that are compared with the registry at a desk.

Invariant: whoever a row means was screened, and nothing else: no visit comes of it, and no due date moves. What a row says
is encrypted, and its ID number is not kept.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import AreaCode, Base, EncryptedJson, EncryptedText, Instant, UuidText


class Screening(Base):
    """A list that was compared with the registry of an area."""

    __tablename__ = "screenings"

    screening_id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    form_uuid: Mapped[str] = mapped_column(
        UuidText, unique=True, doc="The form it was brought with: sent twice, it makes one screening."
    )
    area_code: Mapped[str] = mapped_column(
        ForeignKey("areas.code"), index=True, doc="Whose registry: with all below it."
    )
    name: Mapped[str] = mapped_column(String(80), doc="What was compared with what.")
    screened_on: Mapped[date] = mapped_column(doc="The day it counts on.")
    file_name: Mapped[str] = mapped_column(EncryptedText("screenings.file_name"), doc="As it was called.")
    made_by: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who brought it.")
    made_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    sweep_uuid: Mapped[str | None] = mapped_column(
        UuidText, doc="The form_uuid of the sweep made of those who need a look."
    )


class ScreeningRow(Base):
    """A row of a list, and whom it means: they were screened."""

    __tablename__ = "screening_rows"

    screening_id: Mapped[int] = mapped_column(
        ForeignKey(Screening.screening_id), primary_key=True, doc="Which screening."
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, doc="Row in the file.")
    says: Mapped[Any] = mapped_column(
        EncryptedJson("screening_rows.says"),
        doc="{name, id_masked, birth_on, rest: {column: text}}, as far as the row has them.",
    )
    id_hash: Mapped[str | None] = mapped_column(String(64), doc="Keyed hash of its ID number.")
    person_uuid: Mapped[str | None] = mapped_column(
        UuidText, doc="Whom it means; empty: nobody, as `fault` says."
    )
    grid_code: Mapped[str | None] = mapped_column(AreaCode, doc="Grid they lived in then.")
    week_on: Mapped[date | None] = mapped_column(doc="The week they count in there, by the day it ends on.")
    fault: Mapped[str | None] = mapped_column(String(20), doc="Why it means nobody.")
    needs_look: Mapped[bool] = mapped_column(default=False, doc="Somebody has to see them.")

    __table_args__ = (Index("ix_screening_rows_person", "person_uuid"),)
