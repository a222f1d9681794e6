"""Households, the people in them, who cares for them, and what changed of all that when.

Invariant: ID, phone and account numbers are encrypted and found only by keyed hash.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.core.db import AreaCode, Base, EncryptedJson, EncryptedText, Instant, UuidText
from fieldapp.people.rules import WORD_LENGTH

# Ordered by code point on both databases, so that a beginning is a range of an index.
SearchText = String(WORD_LENGTH).with_variant(String(WORD_LENGTH, collation="C"), "postgresql")


def _index_of_merged(table: str) -> Index:
    """Of the few rows that were merged into another."""
    is_merged = text("merged_into IS NOT NULL")
    name = f"ix_{table}_merged_into"
    return Index(name, "merged_into", sqlite_where=is_merged, postgresql_where=is_merged)


class Household(Base):
    """A household, or a person alone; what a visit goes to."""

    __tablename__ = "households"

    household_uuid: Mapped[str] = mapped_column(UuidText, primary_key=True, doc="Key.")
    grid_code: Mapped[str] = mapped_column(
        ForeignKey("areas.code"), doc="Grid it is in now: the last of its HouseholdGrid rows."
    )
    name: Mapped[str] = mapped_column(String(80), doc="户主, as people call the household.")
    address: Mapped[str] = mapped_column(String(200), doc="As people say it in the village.")
    phone: Mapped[str | None] = mapped_column(EncryptedText("households.phone"), doc="Of the household.")
    phone_hash: Mapped[str | None] = mapped_column(
        String(64), index=True, doc="Keyed hash of the whole number."
    )
    phone_tail_hash: Mapped[str | None] = mapped_column(
        String(64), index=True, doc="Keyed hash of the last four."
    )
    lat: Mapped[float | None] = mapped_column(doc="Degrees, in `datum`.")
    lon: Mapped[float | None] = mapped_column(doc="Degrees, in `datum`.")
    datum: Mapped[str | None] = mapped_column(String(10), doc="WGS84 or GCJ02.")
    note: Mapped[str] = mapped_column(
        EncryptedText("households.note"), default="", doc="For whoever visits: dog, stairs, hard of hearing."
    )
    due_on: Mapped[date | None] = mapped_column(doc="The earliest next visit of its people.")
    counted: Mapped[Any] = mapped_column(
        JSON(none_as_null=True),
        nullable=True,
        doc="What of it is in the tallies: {township, due_on, people: [[class, day due or empty]], is_tried}.",
    )
    last_visit_on: Mapped[date | None] = mapped_column(doc="Last day it was reached.")
    tried_on: Mapped[date | None] = mapped_column(
        doc="Last day on which somebody tried in vain to see it, or was refused, since it was last reached."
    )
    carry: Mapped[Any] = mapped_column(
        EncryptedJson("households.carry"),
        nullable=True,
        doc="Last answers to carry questions: {on, answers}.",
    )
    merged_into: Mapped[str | None] = mapped_column(
        ForeignKey("households.household_uuid"),
        doc="The household that stands for this one, which was registered twice.",
    )

    # Who was merged into somebody else is nobody's member: their row only says who stands for them.
    people: Mapped[list[Person]] = relationship(
        primaryjoin="and_(Household.household_uuid == Person.household_uuid, Person.merged_into.is_(None))",
        order_by="Person.position",
        back_populates="household",
    )

    __table_args__ = (
        Index("ix_households_grid_due", "grid_code", "due_on"),
        _index_of_merged("households"),
    )


class HouseholdGrid(Base):
    """Since when a household has been in a grid; until the next one says otherwise."""

    __tablename__ = "household_grids"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    household_uuid: Mapped[str] = mapped_column(ForeignKey(Household.household_uuid), doc="Which household.")
    grid_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), doc="The grid.")
    from_at: Mapped[datetime | None] = mapped_column(Instant, doc="From when on; empty: since ever.")

    __table_args__ = (Index("ix_household_grids_household_from", "household_uuid", "from_at"),)


class SearchWord(Base):
    """What a household is found by when it begins so: names and initials of it and its people, its address from any part on.

    Kept by `people.actions` beside every change, with the grid: both databases answer from one index, whatever the scope.
    """

    __tablename__ = "search_words"

    grid_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="Grid the household is in.")
    household_uuid: Mapped[str] = mapped_column(
        # No foreign key: to take out a household would read the whole table for it.
        UuidText,
        primary_key=True,
        doc="Which household.",
    )
    kind: Mapped[str] = mapped_column(String(7), primary_key=True, doc="name or address.")
    word: Mapped[str] = mapped_column(
        SearchText,
        primary_key=True,
        doc="As people.rules.plain_word has it; an address from each of its parts on.",
    )

    # The key is the index of narrow areas, this one of wide ones.
    __table_args__ = (Index("ix_search_words_kind_word", "kind", "word", "grid_code", "household_uuid"),)


class Person(Base):
    """A person on the list."""

    __tablename__ = "people"

    person_uuid: Mapped[str] = mapped_column(UuidText, primary_key=True, doc="Key.")
    household_uuid: Mapped[str] = mapped_column(
        ForeignKey(Household.household_uuid), index=True, doc="Household they live in."
    )
    position: Mapped[int] = mapped_column(default=0, doc="Order within the household.")
    name: Mapped[str] = mapped_column(String(80), doc="Empty for a nameless person.")
    relation: Mapped[str] = mapped_column(String(20), default="", doc="To the head of the household.")
    sex: Mapped[str] = mapped_column(String(1), default="", doc="m, f or empty.")
    birth_on: Mapped[date | None] = mapped_column(doc="Birthday.")
    id_number: Mapped[str | None] = mapped_column(EncryptedText("people.id_number"), doc="GB 11643.")
    id_hash: Mapped[str | None] = mapped_column(String(64), index=True, doc="Keyed hash of the whole number.")
    id_tail_hash: Mapped[str | None] = mapped_column(
        String(64), index=True, doc="Keyed hash of the last four."
    )
    id_reason: Mapped[str | None] = mapped_column(
        EncryptedText("people.id_reason"),
        doc="Why a number stands whose check digit is wrong, or that contradicts birthday or sex.",
    )
    phone: Mapped[str | None] = mapped_column(EncryptedText("people.phone"), doc="Their own.")
    phone_hash: Mapped[str | None] = mapped_column(
        String(64), index=True, doc="Keyed hash of the whole number."
    )
    phone_tail_hash: Mapped[str | None] = mapped_column(
        String(64), index=True, doc="Keyed hash of the last four."
    )
    bank_name: Mapped[str] = mapped_column(String(80), default="", doc="Where their account is.")
    bank_account: Mapped[str | None] = mapped_column(
        EncryptedText("people.bank_account"), doc="Number of the account aid is paid to."
    )
    bank_account_hash: Mapped[str | None] = mapped_column(
        String(64), index=True, doc="Keyed hash of the whole number."
    )
    bank_account_tail_hash: Mapped[str | None] = mapped_column(
        String(64), index=True, doc="Keyed hash of the last four."
    )
    main_class: Mapped[str] = mapped_column(String(40), default="none", doc="Code table class.")
    causes: Mapped[list[str]] = mapped_column(
        JSON, default=list, doc="Code table cause: what made them poor."
    )
    risk: Mapped[str] = mapped_column(String(10), default="low", doc="high, middle or low.")
    registered_on: Mapped[date] = mapped_column(
        doc="Day they came onto the list; due since then while never seen."
    )
    last_contact_at: Mapped[datetime | None] = mapped_column(Instant, doc="Last time seen or asked about.")
    counted_on: Mapped[date | None] = mapped_column(
        doc="Last contact where one by phone, WeChat or video may replace only every other visit."
    )
    counted_remote: Mapped[bool] = mapped_column(default=False, doc="That one was by phone, WeChat or video.")
    due_on: Mapped[date | None] = mapped_column(doc="Next visit, by people.rules.next_due_on.")
    remote_counts: Mapped[bool] = mapped_column(
        default=True, doc="Whether it may be by phone, WeChat or video; else somebody has to go there."
    )
    died_on: Mapped[date | None] = mapped_column(doc="Day of death; ends all due dates.")
    moved_away_on: Mapped[date | None] = mapped_column(
        doc="Since when they live where no grid of ours is; ends all due dates."
    )
    moved_away_to: Mapped[str | None] = mapped_column(
        EncryptedText("people.moved_away_to"), doc="Where to, as far as known."
    )
    found_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="When somebody first told of them: the time until they are helped counts from here."
    )
    merged_into: Mapped[str | None] = mapped_column(
        ForeignKey("people.person_uuid"), doc="The person who stands for this one, who was registered twice."
    )

    household: Mapped[Household] = relationship(back_populates="people")
    carers: Mapped[list[Carer]] = relationship(order_by="Carer.id", cascade="all, delete-orphan")
    tags: Mapped[list[PersonTag]] = relationship(
        lazy="selectin", order_by="PersonTag.tag", cascade="all, delete-orphan"
    )

    __table_args__ = (_index_of_merged("people"),)


class PersonTag(Base):
    """A tag of a person, for a time."""

    __tablename__ = "person_tags"

    person_uuid: Mapped[str] = mapped_column(ForeignKey(Person.person_uuid), primary_key=True, doc="Whose.")
    tag: Mapped[str] = mapped_column(String(40), primary_key=True, doc="Code table tag.")
    from_on: Mapped[date | None] = mapped_column(doc="From when on; empty: not dated.")
    to_on: Mapped[date | None] = mapped_column(doc="Until when; empty: still.")


class Carer(Base):
    """Somebody who answers for a person: guardian, carer, helper named by the authorities, emergency contact."""

    __tablename__ = "carers"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    person_uuid: Mapped[str] = mapped_column(
        ForeignKey(Person.person_uuid), index=True, doc="Whom they answer for."
    )
    role: Mapped[str] = mapped_column(String(20), doc="Code table carer_role.")
    name: Mapped[str] = mapped_column(String(80), doc="Name.")
    relation: Mapped[str] = mapped_column(
        String(20), default="", doc="To the person; of a helper: unit and post."
    )
    phone: Mapped[str | None] = mapped_column(EncryptedText("carers.phone"), doc="Phone.")


class DeclaredRelative(Base):
    """近亲属备案: somebody of the staff has declared that a person is a near relative of theirs."""

    __tablename__ = "declared_relatives"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, doc="Who declared.")
    person_uuid: Mapped[str] = mapped_column(
        ForeignKey(Person.person_uuid), primary_key=True, index=True, doc="Of whom."
    )
    relation: Mapped[str] = mapped_column(String(20), doc="What the person is to them.")
    declared_at: Mapped[datetime] = mapped_column(Instant, doc="When.")


class RegistryChange(Base):
    """One change of one household or person: what was there before, and what is there since."""

    __tablename__ = "registry_changes"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, doc="In the order of writing."
    )
    at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    kind: Mapped[str] = mapped_column(String(10), doc="household or person.")
    uuid: Mapped[str] = mapped_column(UuidText, doc="Which one.")
    deed: Mapped[str] = mapped_column(String(10), doc="add, change, move, remove, merge or unmerge.")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who; empty: the system itself.")
    source: Mapped[str] = mapped_column(String(10), doc="desk, phone or import.")
    source_id: Mapped[str | None] = mapped_column(
        String(36), doc="The operation that brought it, or the number of the import."
    )
    values: Mapped[Any] = mapped_column(
        EncryptedJson("registry_changes.values"),
        doc="{field: [before, after]}; of an addition: before is null.",
    )
    reason: Mapped[str | None] = mapped_column(
        EncryptedText("registry_changes.reason"), doc="What was said to it."
    )

    __table_args__ = (
        Index("ix_registry_changes_subject", "kind", "uuid", "id"),
        Index("ix_registry_changes_source", "source", "source_id"),
    )


class Admission(Base):
    """Somebody on the list was newly admitted to dibao or to the support of destitute people."""

    __tablename__ = "admissions"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    person_uuid: Mapped[str] = mapped_column(ForeignKey(Person.person_uuid), index=True, doc="Who.")
    # No foreign key: they may have moved since, and a household that nobody is in may be taken out.
    household_uuid: Mapped[str] = mapped_column(UuidText, doc="Of which household.")
    grid_code: Mapped[str] = mapped_column(AreaCode, doc="Where they lived then.")
    scheme: Mapped[str] = mapped_column(String(10), doc="dibao or destitute.")
    is_first: Mapped[bool] = mapped_column(doc="Nobody else of the household was in it.")
    admitted_at: Mapped[datetime] = mapped_column(Instant, doc="When the registry was changed.")
    week_on: Mapped[date] = mapped_column(doc="The week it counts in, by the day that ends on.")

    __table_args__ = (Index("ix_admissions_week_grid", "week_on", "grid_code"),)


class LikelyPair(Base):
    """Two entries that could be one person, or of which somebody has said that they are not.

    Kept by `people.pair_actions` beside every change, with the grids, so that a list of them is a range of an index.
    """

    __tablename__ = "likely_pairs"

    # No foreign keys: a pair would wait for whoever is taking out one of its people, who waits to take out their pairs.
    one_uuid: Mapped[str] = mapped_column(UuidText, primary_key=True, doc="The smaller key of two people.")
    other_uuid: Mapped[str] = mapped_column(UuidText, primary_key=True, index=True, doc="The larger one.")
    one_grid: Mapped[str] = mapped_column(AreaCode, doc="Grid the one is in.")
    other_grid: Mapped[str] = mapped_column(AreaCode, doc="Grid the other is in.")
    why: Mapped[list[str]] = mapped_column(JSON, doc="What is alike: id, birthday, place, phone.")
    ruled_out_by: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who said that they are two different people."
    )
    ruled_out_at: Mapped[datetime | None] = mapped_column(Instant, doc="When.")

    __table_args__ = (
        Index(
            "ix_likely_pairs_open",
            *("one_grid", "one_uuid", "other_uuid"),
            sqlite_where=text("ruled_out_at IS NULL"),
            postgresql_where=text("ruled_out_at IS NULL"),
        ),
        Index(
            "ix_likely_pairs_ruled_out",
            *("one_grid", "one_uuid", "other_uuid"),
            sqlite_where=text("ruled_out_at IS NOT NULL"),
            postgresql_where=text("ruled_out_at IS NOT NULL"),
        ),
    )


class Merge(Base):
    """Two entries that became one, with what is needed to part them again."""

    __tablename__ = "merges"

    merge_id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    kind: Mapped[str] = mapped_column(String(10), doc="household or person.")
    loser_uuid: Mapped[str] = mapped_column(UuidText, index=True, doc="The entry that is one no more.")
    winner_uuid: Mapped[str] = mapped_column(UuidText, index=True, doc="The entry that stands for both.")
    grid_code: Mapped[str] = mapped_column(AreaCode, index=True, doc="Grid the winner was in.")
    changed: Mapped[Any] = mapped_column(
        EncryptedJson("merges.changed"), doc="{field: [before, after]} of the winner."
    )
    moved: Mapped[list[Any]] = mapped_column(
        JSON, default=list, doc="[person, place before] of who came along from a household."
    )
    merged_by: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who merged them.")
    merged_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who parted them again.")
    undone_at: Mapped[datetime | None] = mapped_column(Instant, doc="When.")
    undone_reason: Mapped[str | None] = mapped_column(EncryptedText("merges.undone_reason"), doc="Why.")


class SpecialPeriod(Base):
    """专项时期: people of an area are seen more often for a time, and nobody is taken off dibao or destitute support."""

    __tablename__ = "special_periods"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    area_code: Mapped[str] = mapped_column(
        ForeignKey("areas.code"), index=True, doc="Where: with all below it."
    )
    name: Mapped[str] = mapped_column(String(80), doc="As papers call it.")
    from_on: Mapped[date] = mapped_column(doc="First day.")
    until_on: Mapped[date | None] = mapped_column(doc="Last day; empty: until it is ended.")
    risk_days: Mapped[dict[str, int]] = mapped_column(JSON, doc="Days between contacts, by risk.")
    tags: Mapped[list[str]] = mapped_column(JSON, doc="Code table tag: offered besides the usual ones.")
    pauses_exit: Mapped[bool] = mapped_column(
        doc="Whether review and exit of dibao and destitute are paused."
    )
    relaxed_papers: Mapped[bool] = mapped_column(
        doc="Whether relief is given first and its papers made up later."
    )
    started_by: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who switched it on.")
    started_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who ended it.")
    ended_at: Mapped[datetime | None] = mapped_column(Instant, doc="When.")
    worked_out_to: Mapped[str | None] = mapped_column(
        AreaCode, default="", doc="Last grid whose due dates follow it as it now stands; empty: all do."
    )
