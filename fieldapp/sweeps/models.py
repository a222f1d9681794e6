"""Sweeps, whom they are to reach, and the rows of the files some of them come from.

Invariant: the list of an open sweep only grows, and a closed one is as it was when it was closed. Whether somebody was
reached is worked out from visits until then, never noted: a visit may arrive late.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import AreaCode, Base, EncryptedJson, EncryptedText, Instant, UuidText

DRAFT, OPEN, CLOSED = "draft", "open", "closed"


class Sweep(Base):
    """A sweep over an area, from one day to another."""

    __tablename__ = "sweeps"

    sweep_id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    form_uuid: Mapped[str] = mapped_column(
        UuidText, unique=True, doc="The form it was made with: sent twice, it makes one sweep."
    )
    area_code: Mapped[str] = mapped_column(
        ForeignKey("areas.code"), index=True, doc="Where: with all below it."
    )
    name: Mapped[str] = mapped_column(String(80), doc="As papers call it.")
    from_on: Mapped[date] = mapped_column(doc="First day.")
    until_on: Mapped[date] = mapped_column(
        doc="Last day; a visit that ended by then counts whenever it comes."
    )
    methods: Mapped[list[str]] = mapped_column(JSON, doc="Code table method: by which somebody is reached.")
    checklist_key: Mapped[str | None] = mapped_column(
        String(60), doc="Checklist that phones begin with; empty: the usual one."
    )
    criteria: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True),
        doc="Who is on the list: {classes, tags, risks, overdue}; empty: whom a file names.",
    )
    file_name: Mapped[str | None] = mapped_column(EncryptedText("sweeps.file_name"), doc="Of that file.")
    made_by: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who prepared it.")
    made_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who opened it.")
    opened_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When its list was fixed; empty: a draft, without a list yet."
    )
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who closed it.")
    closed_at: Mapped[datetime | None] = mapped_column(Instant, doc="When its figures were fixed.")

    @property
    def state(self) -> str:
        """DRAFT, OPEN or CLOSED."""
        return CLOSED if self.closed_at else OPEN if self.opened_at else DRAFT


class SweepTarget(Base):
    """Somebody a sweep is to reach."""

    __tablename__ = "sweep_targets"

    sweep_id: Mapped[int] = mapped_column(ForeignKey(Sweep.sweep_id), primary_key=True, doc="Which sweep.")
    person_uuid: Mapped[str] = mapped_column(
        ForeignKey("people.person_uuid"), primary_key=True, index=True, doc="Whom."
    )
    added_at: Mapped[datetime] = mapped_column(
        Instant, doc="When they came onto the list; some come after the opening."
    )
    grid_code: Mapped[str] = mapped_column(
        AreaCode,
        doc="Grid they lived in when they came onto the list; of a closed sweep: when it was closed.",
    )
    is_told: Mapped[bool] = mapped_column(doc="Phones were told that they are on it.")
    name: Mapped[str | None] = mapped_column(String(80), doc="Name when the sweep was closed.")
    standing: Mapped[str | None] = mapped_column(
        String(12), doc="What had become of it when the sweep was closed; a word of sweeps.queries."
    )
    tries: Mapped[int | None] = mapped_column(doc="How often their household was tried in vain by then.")
    tried_at: Mapped[datetime | None] = mapped_column(Instant, doc="When last.")


class SweepRow(Base):
    """A row of the file a sweep comes from; no ID number is kept of it."""

    __tablename__ = "sweep_rows"

    sweep_id: Mapped[int] = mapped_column(ForeignKey(Sweep.sweep_id), primary_key=True, doc="Which sweep.")
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, doc="Row in the file.")
    says: Mapped[Any] = mapped_column(
        EncryptedJson("sweep_rows.says"), doc="{name, id_masked, birth_on}, as far as the row has them."
    )
    id_hash: Mapped[str | None] = mapped_column(String(64), doc="Keyed hash of its ID number.")
    person_uuid: Mapped[str | None] = mapped_column(
        UuidText, doc="Whom it means; empty: nobody, as `fault` says."
    )
    fault: Mapped[str | None] = mapped_column(String(20), doc="Why it means nobody to be reached.")
