"""A notice as its worker's phone holds it."""

from __future__ import annotations

from typing import Any

from flask_babel import force_locale
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db
from fieldapp.notices.models import Notice
from fieldapp.notices.words import CAUSES


def list_records(notice_ids: list[str], user_id: int) -> dict[str, dict[str, Any]]:
    """The account's own notices of those, by key."""
    keys = [int(key) for key in notice_ids]
    rows = db.session.scalars(select(Notice).where(Notice.id.in_(keys), Notice.user_id == user_id))
    return {
        str(notice.id): {
            "id": notice.id,
            "words": _say(notice.cause),
            "severity": notice.severity,
            "subject": notice.subject,
            "subject_id": notice.subject_id,
            "type": notice.params.get("type"),
            "due_at": notice.params.get("due_at"),
            "at": clock.iso(notice.created_at),
            "read": notice.read_at is not None,
        }
        for notice in rows
    }


def _say(cause: str) -> dict[str, str]:
    words = {}
    for language in ("zh", "en"):
        with force_locale(language):
            words[language] = str(CAUSES[cause])
    return words
