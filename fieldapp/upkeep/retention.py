"""How long photos, recordings and files are kept: they go first; what was answered stays.

Invariant: nothing goes that an unsettled record names, or that no record names (it may be one that waits in quarantine).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import or_, select, update

from fieldapp.aid.models import Aid
from fieldapp.core import audit, clock, storage
from fieldapp.core.db import db, transaction
from fieldapp.core.storage import Attachment, AttachmentUse
from fieldapp.followups.models import Followup
from fieldapp.reviews.models import Flag
from fieldapp.visits.models import Visit
from fieldapp.visits.rules import DECIDED

AT_ONCE = 500
# A task that still needs somebody, or somebody's word.
UNSETTLED = ("open", "done", "refused")


def remove_old_attachments(now: datetime) -> int:
    """Remove the files of attachments of the current app that nobody needs any more, as `attachments_kept_days` says;
    what is known of them stays. Returns how many.
    """
    days = current_app.config["FIELDAPP"].attachments_kept_days
    if not days:
        return 0
    before, count, last = now - timedelta(days=days), 0, ""
    while named := _list_named(before, last):
        last = max(named)
        with transaction():
            chosen = sorted(named.keys() - _find_needed(named, before))
            _mark(chosen, now)
        for sha256 in chosen:
            storage.remove_attachment(sha256)
        count += len(chosen)
    return count


def _list_named(before: datetime, after: str) -> dict[str, set[tuple[str, str]]]:
    """The next of the old attachments that are here, each with the records (kind, uuid) that name it."""
    old = (
        select(Attachment.sha256)
        .where(
            Attachment.removed_at.is_(None),
            Attachment.stored_at < before,
            Attachment.sha256 > after,
            select(AttachmentUse).where(AttachmentUse.sha256 == Attachment.sha256).exists(),
        )
        .order_by(Attachment.sha256)
        .limit(AT_ONCE)
    )
    uses = select(AttachmentUse.sha256, AttachmentUse.kind, AttachmentUse.uuid)
    named: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for sha256, kind, uuid in db.session.execute(uses.where(AttachmentUse.sha256.in_(old))):
        named[sha256].add((kind, uuid))
    return named


def _find_needed(named: Mapping[str, set[tuple[str, str]]], before: datetime) -> set[str]:
    """Those that a record names which is not old, not decided on, or led to something that is not settled."""
    records = set().union(*named.values())
    of_visits = [uuid for kind, uuid in records if kind == "visit"]
    of_tasks = [uuid for kind, uuid in records if kind == "followup"]
    of_aid = [uuid for kind, uuid in records if kind == "aid"]
    flagged = select(Flag.id).where(Flag.visit_uuid == Visit.visit_uuid, Flag.state == "open")
    tasks = select(Followup.followup_id).where(
        Followup.visit_uuid == Visit.visit_uuid, Followup.state.in_(UNSETTLED)
    )
    visits = select(Visit.visit_uuid).where(
        Visit.visit_uuid.in_(of_visits),
        or_(Visit.finished_at >= before, Visit.state.not_in(DECIDED), flagged.exists(), tasks.exists()),
    )
    results = select(Followup.followup_id).where(
        Followup.followup_id.in_(of_tasks), or_(Followup.state.in_(UNSETTLED), Followup.closed_at >= before)
    )
    receipts = select(Aid.aid_uuid).where(Aid.aid_uuid.in_(of_aid), Aid.given_on >= clock.local_date(before))
    needing = {("visit", uuid) for uuid in db.session.scalars(visits)}
    needing |= {("followup", uuid) for uuid in db.session.scalars(results)}
    needing |= {("aid", uuid) for uuid in db.session.scalars(receipts)}
    return {sha256 for sha256, by in named.items() if by & needing}


def _mark(chosen: Sequence[str], now: datetime) -> None:
    """Say of them that they are removed, before they are."""
    if chosen:
        db.session.execute(update(Attachment).where(Attachment.sha256.in_(chosen)).values(removed_at=now))
        audit.record(None, "attachments.remove", "installation", "attachments", at=now, sha256=list(chosen))
