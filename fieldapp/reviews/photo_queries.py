"""Reads of photos that look like those of other visits.

Invariant: alike photos are found by ranges of an index in one county, and the same file anywhere; nothing reads all photos.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, tuple_

from fieldapp.areas.queries import county_of
from fieldapp.core.db import db
from fieldapp.core.storage import Attachment, AttachmentUse
from fieldapp.reviews import rules
from fieldapp.reviews.models import Flag, PhotoPrint
from fieldapp.reviews.rules import AlikePhoto, PhotoFacts
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit, VisitRevision
from fieldapp.visits.rules import corrected

# Named in a flag; whoever looks sees enough in them.
MOST_ALIKE = 5


def list_naming(sha256: str) -> list[str]:
    """The uuids of the visits whose current revision names that attachment."""
    named = _list_named({sha256})
    found = db.session.execute(
        select(Visit.visit_uuid, Visit.revision)
        .where(Visit.visit_uuid.in_({uuid for _, uuid, _ in named}), Visit.state != "voided")
        .order_by(Visit.visit_uuid)
    )
    revisions = {(uuid, revision) for _, uuid, revision in named}
    return [uuid for uuid, revision in found if (uuid, revision) in revisions]


def _list_named(hashes: set[str]) -> list[tuple[str, str, int]]:
    """(attachment, visit, revision) of all visits that name one of those attachments. What names one is kept as text."""
    rows = db.session.execute(
        select(AttachmentUse.sha256, AttachmentUse.uuid, AttachmentUse.revision)
        .where(AttachmentUse.sha256.in_(hashes), AttachmentUse.kind == "visit")
        .distinct()
    )
    return [(row[0], row[1], row[2]) for row in rows]


def get_facts(
    visit: Visit, revision: VisitRevision, uses: Sequence[tuple[AttachmentUse, Attachment | None]]
) -> PhotoFacts:
    """What the rules look at in the photos a visit names, here already or not."""
    prints = {use.sha256: held.fingerprint for use, held in uses if held and held.fingerprint}
    same = _list_same(visit, {use.sha256 for use, _ in uses})
    alike = _list_alike(visit, prints)
    known = {(photo.sha256, photo.other_visit) for photo in same}
    found = same + [photo for photo in alike if (photo.sha256, photo.other_visit) not in known]
    # A correction keeps the photos of the visit itself.
    began_at = visits.get_revision(visit, 1).started_at if visit.revision > 1 else revision.started_at
    gaps = [
        rules.gap_s(
            corrected(use.taken_at, revision.clock_offset_s),
            corrected(began_at, revision.clock_offset_s),
            visit.finished_at,
        )
        for use, _ in uses
        if use.taken_at
    ]
    return PhotoFacts(tuple(found[:MOST_ALIKE]), max(gaps, default=None))


def _list_same(visit: Visit, hashes: set[str]) -> list[AlikePhoto]:
    """The very same files, named by visits that were received before."""
    named = {(sha256, uuid) for sha256, uuid, _ in _list_named(hashes) if uuid != visit.visit_uuid}
    if not named:
        return []
    earlier = {
        other.visit_uuid: other.finished_at
        for other in db.session.scalars(
            select(Visit).where(Visit.visit_uuid.in_({uuid for _, uuid in named}), Visit.state != "voided")
        )
        if (other.received_at, other.visit_uuid) < (visit.received_at, visit.visit_uuid)
    }
    found = [AlikePhoto(sha256, sha256, uuid, earlier[uuid], 0) for sha256, uuid in named if uuid in earlier]
    return sorted(found, key=lambda photo: (photo.other_at, photo.other_visit, photo.sha256), reverse=True)


def _list_alike(visit: Visit, prints: dict[str, str]) -> list[AlikePhoto]:
    """Photos of other visits of the county that differ in few bits, those that differ least first.

    Photos arrive in any order: of two visits with alike photos the one is flagged whose photo comes second.
    """
    quarters = {quarter for fingerprint in prints.values() for quarter in rules.list_quarters(fingerprint)}
    if not quarters:
        return []
    rows = db.session.execute(
        select(PhotoPrint.sha256, Attachment.fingerprint, Visit.visit_uuid, Visit.finished_at)
        .join(Attachment, Attachment.sha256 == PhotoPrint.sha256)
        .join(Visit, Visit.visit_uuid == PhotoPrint.visit_uuid)
        .where(
            PhotoPrint.county_code == county_of(visit.area_code),
            tuple_(PhotoPrint.quarter, PhotoPrint.bits).in_(sorted(quarters)),
            PhotoPrint.visit_uuid != visit.visit_uuid,
            PhotoPrint.sha256.not_in(prints),
            Visit.state != "voided",
        )
        .distinct()
    )
    found = [
        AlikePhoto(sha256, other_sha256, other, at, bits)
        for other_sha256, other_print, other, at in rows
        if other_print
        for sha256, fingerprint in prints.items()
        if (bits := rules.count_different_bits(fingerprint, other_print)) <= rules.MOST_BITS
    ]
    if not found:
        return []
    others = {photo.other_visit for photo in found}
    flagged = set(
        db.session.scalars(
            select(Flag.visit_uuid).where(Flag.visit_uuid.in_(others), Flag.rule == "same_photo")
        )
    )
    own = db.session.scalar(
        select(Flag.id).where(Flag.visit_uuid == visit.visit_uuid, Flag.rule == "same_photo").limit(1)
    )
    # What the other one says already need not be said twice, unless it is this one's own flag that is brought up to date.
    said = flagged if own is None else set()
    return sorted(
        (photo for photo in found if photo.other_visit not in said),
        key=lambda photo: (photo.bits, photo.other_visit, photo.other_sha256, photo.sha256),
    )
