"""Visits and their revisions.

Invariant: what a phone sent is never changed; a correction is a new revision that names the one it corrects.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.core.db import AreaCode, Base, EncryptedJson, EncryptedText, Instant, UuidText

# Worst first; written out, for an index is used only by what asks in the very words of the index.
WAITS = "state = 'submitted'"
RANK = "(CASE severity WHEN 'red' THEN 0 WHEN 'orange' THEN 1 WHEN 'yellow' THEN 2 ELSE 3 END)"


def _index_waiting(name: str, *columns: Any) -> Index:
    return Index(name, *columns, sqlite_where=text(WAITS), postgresql_where=text(WAITS))


class Visit(Base):
    """A visit to a household, as a thing with a state; its content is in its revisions."""

    __tablename__ = "visits"

    visit_uuid: Mapped[str] = mapped_column(UuidText, primary_key=True, doc="Key.")
    household_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("households.household_uuid"), doc="Whom it went to."
    )
    area_code: Mapped[str] = mapped_column(AreaCode, doc="Grid where it took place, on that day.")
    worker_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who went.")
    state: Mapped[str] = mapped_column(String(10), doc="submitted, approved, returned or voided.")
    revision: Mapped[int] = mapped_column(default=1, doc="The current revision, from 1.")
    outcome: Mapped[str] = mapped_column(String(12), doc="reached, not_reached or refused.")
    method: Mapped[str] = mapped_column(String(10), doc="home, phone, wechat, video or patrol.")
    severity: Mapped[str | None] = mapped_column(String(6), doc="Of its worst open flag; orders the queue.")
    review_cause: Mapped[str | None] = mapped_column(
        String(10),
        doc="Why a person is to look at it: flags, problems, called, desk, decided, photos, listed, off or drawn; "
        "empty: nobody needs to.",
    )
    attachment_count: Mapped[int] = mapped_column(
        default=0, doc="How many attachments its current revision names."
    )
    finished_at: Mapped[datetime] = mapped_column(
        Instant, doc="By the phone's clock, corrected by its offset."
    )
    received_at: Mapped[datetime] = mapped_column(Instant, doc="First revision, by the server's clock.")
    week_on: Mapped[date] = mapped_column(
        doc="The week it counts in, by the day that ends on: the one it ended in, or that it arrived in, where the county had "
        "confirmed that."
    )
    entered_by: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"),
        doc="代录: who typed the current revision at the desk for the worker; empty: the worker's phone sent it.",
    )
    out_of_scope: Mapped[bool] = mapped_column(
        default=False, doc="Grid was the worker's then; it or the household is not now."
    )

    revisions: Mapped[list[VisitRevision]] = relationship(
        order_by="VisitRevision.revision", back_populates="visit"
    )
    people: Mapped[list[VisitPerson]] = relationship(
        order_by="VisitPerson.position", cascade="all, delete-orphan"
    )

    __table_args__ = (
        Index("ix_visits_state_area", "state", "area_code"),
        # The queue in its order, and its counts: they hold no more than what waits.
        _index_waiting("ix_visits_waiting", text(RANK), "received_at", "visit_uuid", "area_code", "severity"),
        _index_waiting("ix_visits_waiting_area", "area_code", "severity", "received_at"),
        # Which has waited longest, in an area so wide that those who wait there need not be looked through.
        _index_waiting("ix_visits_waiting_since", "received_at", "area_code"),
        # Visits of all states, the latest first.
        Index("ix_visits_received", "received_at", "visit_uuid", "area_code"),
        Index("ix_visits_household_finished", "household_uuid", "finished_at"),
        Index("ix_visits_worker_finished", "worker_id", "finished_at"),
        # What is counted once for a worker, and the visits behind a figure.
        Index("ix_visits_worker_week", "worker_id", "week_on", "area_code"),
        Index("ix_visits_week_area", "week_on", "area_code"),
        # The latest of them, in an area so wide that they need not be looked for; and those that came late.
        Index("ix_visits_week_finished", "week_on", "finished_at", "visit_uuid", "area_code", "state"),
    )


class VisitRevision(Base):
    """What a phone sent, word for word, with the server's own reading of it."""

    __tablename__ = "visit_revisions"

    visit_uuid: Mapped[str] = mapped_column(ForeignKey(Visit.visit_uuid), primary_key=True, doc="The visit.")
    revision: Mapped[int] = mapped_column(primary_key=True, doc="From 1.")
    op_uuid: Mapped[str] = mapped_column(UuidText, doc="The operation that brought it.")
    body_hash: Mapped[str] = mapped_column(String(64), doc="SHA-256 of the canonical body.")
    checklist_key: Mapped[str] = mapped_column(String(60), doc="Checklist it was filled with.")
    checklist_version: Mapped[str] = mapped_column(String(40), doc="In which version.")
    started_at: Mapped[datetime] = mapped_column(Instant, doc="By the phone's clock as it was.")
    finished_at: Mapped[datetime] = mapped_column(Instant, doc="By the phone's clock as it was.")
    received_at: Mapped[datetime] = mapped_column(Instant, doc="By the server's clock.")
    clock_offset_s: Mapped[int] = mapped_column(
        BigInteger, doc="Server clock minus phone clock when sent, seconds."
    )
    body: Mapped[Any] = mapped_column(
        EncryptedJson("visit_revisions.body"),
        doc="As sent, word for word; of one repaired at the desk: as repaired, the operation keeps what was sent.",
    )
    answers_hash: Mapped[str | None] = mapped_column(
        String(64),
        doc="Keyed hash of the worker, the checklist and what was answered on this visit; only where the county looks for "
        "visits with the same answers.",
    )
    distance_m: Mapped[float | None] = mapped_column(doc="Geodesic, from the household's registered place.")
    problems: Mapped[Any] = mapped_column(
        EncryptedJson("visit_revisions.problems"),
        nullable=True,
        doc="What the server's evaluation objects to.",
    )
    taken_in_by: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who took it in at the desk, when it could not be applied as it came."
    )
    taken_in_reason: Mapped[str | None] = mapped_column(
        EncryptedText("visit_revisions.taken_in_reason"), doc="What they said to it."
    )
    entered_by: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="代录: who typed it at the desk for the worker."
    )

    visit: Mapped[Visit] = relationship(back_populates="revisions")

    __table_args__ = (
        Index(
            "ix_visit_revisions_answers",
            *("answers_hash", "finished_at"),
            sqlite_where=text("answers_hash IS NOT NULL"),
            postgresql_where=text("answers_hash IS NOT NULL"),
        ),
    )

    @property
    def answers(self) -> dict[str, Any]:
        """The answers as sent."""
        return self.body["answers"]

    @property
    def people(self) -> list[str]:
        """The people of this revision, in the order of the people part of its answers."""
        return self.body["people"]

    @property
    def location(self) -> dict[str, Any] | None:
        """{lat, lon, accuracy_m, datum, at} as measured, or None."""
        return self.body.get("location")

    @property
    def location_declined(self) -> str | None:
        """Why no place was given."""
        return self.body.get("location_declined")

    @property
    def urgent_calls(self) -> list[dict[str, str]]:
        """Calls made from a red answer: {to, at}."""
        return self.body.get("urgent_calls", [])


class VisitPerson(Base):
    """A person seen or asked about in a visit (its current revision)."""

    __tablename__ = "visit_people"

    visit_uuid: Mapped[str] = mapped_column(ForeignKey(Visit.visit_uuid), primary_key=True, doc="The visit.")
    person_uuid: Mapped[str] = mapped_column(
        ForeignKey("people.person_uuid"), primary_key=True, index=True, doc="The person."
    )
    position: Mapped[int] = mapped_column(doc="Place in the people part of the answers, from 0.")
    counted_as: Mapped[list[str]] = mapped_column(
        JSON, default=list, doc="Columns of the report they count in (people.counting), as they were then."
    )
