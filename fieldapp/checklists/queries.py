"""Reads of checklists: what is known, what is in force where, what a reader at the desk may see.

Invariant: a reader sees the checklists of their own areas, of those below and of those above, never a neighbour's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.orm import defer, joinedload, selectinload

from fieldapp.areas.models import LEVELS
from fieldapp.checklists.models import ChecklistVersion, Publication, Registration
from fieldapp.checklists.offers import Offer, choose
from fieldapp.core import clock, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError

# What the main button of a household's page starts.
HOUSEHOLD_VISIT = "routine"


def find_version(key: str, version: str) -> ChecklistVersion | None:
    """A version of a checklist, published or not, or None."""
    return db.session.get(ChecklistVersion, (key, version))


def find_versions(named: Iterable[tuple[str, str]]) -> dict[tuple[str, str], ChecklistVersion]:
    """Those of the versions named (key, version) that there are; documents not read yet are read at once."""
    pairs = set(named)
    if not pairs:
        return {}
    wanted = tuple_(ChecklistVersion.key, ChecklistVersion.version).in_(pairs)
    return {
        (found.key, found.version): found
        for found in db.session.scalars(select(ChecklistVersion).where(wanted))
    }


def get_version(key: str, version: str) -> ChecklistVersion:
    """A version that phones were given at some time; raises checklist_version_unknown."""
    found = find_version(key, version)
    if found is None or not found.publications:
        raise AppError("checklist_version_unknown")
    return found


def list_offers_in(area_code: str, day: date) -> dict[str, Offer]:
    """By key, what is used in an area on that day."""
    return choose(list_offers(Publication.area_code.in_(_areas_above(area_code))), area_code, day)


def list_versions_in(area_codes: Iterable[str], day: date) -> list[ChecklistVersion]:
    """What is used in one of those areas on that day, by key."""
    codes = list(area_codes)
    above = {above for code in codes for above in _areas_above(code)}
    offers = list_offers(Publication.area_code.in_(above))
    used = [offer for code in codes for offer in choose(offers, code, day).values()]
    found = find_versions((offer.key, offer.version) for offer in used)
    return [found[pair] for pair in sorted(found)]


def _areas_above(area_code: str) -> list[str]:
    return [area_code[:digits] for digits in LEVELS.values() if digits <= len(area_code)]


def list_visit_versions(area_code: str, day: date, today: date) -> list[ChecklistVersion]:
    """The checklists a visit to a household there uses on that day, the household visit first, then by key.

    Of a day gone by: also what was retired since; and of a checklist not in force yet then, what is used today.
    """
    above = Publication.area_code.in_(_areas_above(area_code))
    offers = choose(list_offers(above), area_code, today)
    if day != today:
        offers |= choose(list_offers(above, used_on=day), area_code, day)
    versions = find_versions((offer.key, offer.version) for offer in offers.values())
    visits = [version for version in versions.values() if version.document.get("use", "visit") == "visit"]
    return sorted(visits, key=lambda version: (version.key != HOUSEHOLD_VISIT, version.key))


def list_offers(*conditions: ColumnElement[bool], used_on: date | None = None) -> list[Offer]:
    """The publications that meet the conditions and were not retired (or not yet on the day `used_on`), each no longer
    than its checklist is valid.
    """
    standing: ColumnElement[bool] = Publication.retired_at.is_(None)
    if used_on is not None:
        standing |= Publication.retired_at >= clock.midnight(used_on)
    rows = db.session.execute(
        select(Publication, Registration.valid_until)
        .join(
            ChecklistVersion,
            (ChecklistVersion.key == Publication.key) & (ChecklistVersion.version == Publication.version),
        )
        .join(
            Registration,
            (Registration.key == ChecklistVersion.key)
            & (Registration.area_code == ChecklistVersion.area_code),
        )
        .where(standing, *conditions)
        .order_by(Publication.id)
    )
    return [
        Offer(
            row.id,
            row.key,
            row.version,
            row.area_code,
            row.from_on,
            min((day for day in (row.until_on, valid_until) if day is not None), default=None),
        )
        for row, valid_until in rows
    ]


# --- what a reader at the desk sees --------------------------------------------------------------------------------


def is_on_branch(area_code: str, area_codes: Iterable[str]) -> bool:
    """Whether the area lies in one of `area_codes`, is one of them, or has one of them in it."""
    return any(area_code.startswith(code) or code.startswith(area_code) for code in area_codes)


def _on_branch(column: Any, area_codes: Sequence[str]) -> ColumnElement[bool]:
    above = {code[:digits] for code in area_codes for digits in LEVELS.values() if digits <= len(code)}
    return or_(scope.within(column, area_codes), column.in_(above))


def list_registrations(area_codes: Sequence[str], key: str | None = None) -> list[Registration]:
    """The registrations a reader of `area_codes` sees, all or those of one checklist, by key, the widest area first."""
    wanted = [_on_branch(Registration.area_code, area_codes)]
    if key is not None:
        wanted.append(Registration.key == key)
    return list(
        db.session.scalars(
            select(Registration).where(*wanted).order_by(Registration.key, Registration.area_code)
        )
    )


def get_registration(key: str, area_code: str, area_codes: Sequence[str]) -> Registration:
    """One registration a reader of `area_codes` sees; raises not_found."""
    found = db.session.get(Registration, (key, area_code))
    if found is None or not is_on_branch(area_code, area_codes):
        raise AppError("not_found")
    return found


def list_versions(area_codes: Sequence[str], keys: Iterable[str]) -> list[ChecklistVersion]:
    """The versions of those checklists a reader of `area_codes` sees, with their publications, newest first.

    Their documents are read when asked for.
    """
    found = db.session.scalars(
        select(ChecklistVersion)
        .where(_on_branch(ChecklistVersion.area_code, area_codes), ChecklistVersion.key.in_(set(keys)))
        .options(
            defer(ChecklistVersion.document),
            selectinload(ChecklistVersion.publications),
            selectinload(ChecklistVersion.files),
        )
    )
    return sorted(found, key=lambda version: (version.key, -version.number))


def list_visit_titles(area_codes: Sequence[str]) -> dict[str, Any]:
    """By key, the titles ({zh, en}) of the visits' checklists a reader of `area_codes` sees: of each the newest version's."""
    document = ChecklistVersion.document
    rows = db.session.execute(
        select(ChecklistVersion.key, ChecklistVersion.version, document["title"], document["use"]).where(
            _on_branch(ChecklistVersion.area_code, area_codes)
        )
    )
    newest_last = sorted(rows, key=lambda row: (row[0], int(row[1])))
    return {key: title for key, _, title, use in newest_last if use in {None, "visit"}}


def get_visible_version(key: str, version: str, area_codes: Sequence[str]) -> ChecklistVersion:
    """A version a reader of `area_codes` sees; raises not_found."""
    found = find_version(key, version)
    if found is None or not is_on_branch(found.area_code, area_codes):
        raise AppError("not_found")
    return found


def get_publication(publication_id: int, area_codes: Sequence[str]) -> Publication:
    """A publication a reader of `area_codes` sees; raises not_found."""
    found = db.session.get(Publication, publication_id, options=[joinedload(Publication.of_version)])
    if (
        found is None
        or not is_on_branch(found.area_code, area_codes)
        or not is_on_branch(found.of_version.area_code, area_codes)
    ):
        raise AppError("not_found")
    return found


def can_retire(publication: Publication, area_codes: Iterable[str], widened: Iterable[str]) -> bool:
    """Whether an officer of `area_codes` may retire it: it is within them; or it came with the program, and nobody
    else is served where it is in force (`widened`: `areas.queries.widen` of the codes).
    """
    came_with_program = publication.published_by_id is None
    return scope.covers(widened if came_with_program else area_codes, publication.area_code)


def find_earlier(version: ChecklistVersion) -> ChecklistVersion | None:
    """The version its author most likely began with: the one before it of the same area, else of the nearest above."""
    others = [
        other
        for other in db.session.scalars(
            select(ChecklistVersion)
            .where(ChecklistVersion.key == version.key)
            .options(defer(ChecklistVersion.document))
        )
        if other.number < version.number and version.area_code.startswith(other.area_code)
    ]
    return max(others, key=lambda other: (len(other.area_code), other.number), default=None)
