"""Reads of checklists."""

from __future__ import annotations

from sqlalchemy import select

from fieldapp.checklists.models import Checklist, ChecklistVersion
from fieldapp.core.db import db
from fieldapp.core.errors import AppError


def find_version(key: str, version: str) -> ChecklistVersion | None:
    """A version of a checklist, published or not, or None."""
    return db.session.get(ChecklistVersion, (key, version))


def get_version(key: str, version: str) -> ChecklistVersion:
    """A version of a checklist; raises checklist_version_unknown."""
    found = find_version(key, version)
    if found is None:
        raise AppError("checklist_version_unknown")
    return found


def list_published() -> list[ChecklistVersion]:
    """The published version of each checklist that has one, by key."""
    return list(
        db.session.scalars(
            select(ChecklistVersion)
            .join(Checklist, Checklist.key == ChecklistVersion.key)
            .where(ChecklistVersion.version == Checklist.published_version)
            .order_by(ChecklistVersion.key)
        )
    )


def get_published(key: str) -> ChecklistVersion:
    """The published version of one checklist; raises not_found."""
    found = next((version for version in list_published() if version.key == key), None)
    if found is None:
        raise AppError("not_found")
    return found
