"""Reads of what a visit has in common with others: people who could be on the list twice, and the same answers.

Invariant: answers are compared by keyed hash and within one worker's own visits; nothing here adds up per worker.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select

from fieldapp.checklists.rules import OwnAnswer
from fieldapp.core.crypto import keyring
from fieldapp.core.db import db
from fieldapp.people import pair_queries, queries as people
from fieldapp.people.models import Person
from fieldapp.reviews.models import Flag
from fieldapp.reviews.rules import MOST_SAME, LikelyPair
from fieldapp.visits.models import Visit, VisitRevision

# Photos and places differ on every visit, and have rules of their own.
_NOT_COMPARED = frozenset({"image", "audio", "video", "file", "geopoint"})


def list_likely_pairs(visit: Visit) -> tuple[LikelyPair, ...]:
    """The registry's pairs of somebody of the visit and whoever else they could be, of which no other visit to the
    household has told: each is a question to ask once, and no answer for every visit from then on.
    """
    standing = people.list_standing(Person, [each.person_uuid for each in visit.people])
    visited = set(standing.values())
    found = {
        (person, other): tuple(pair.why)
        for key, (pair, is_ruled_out) in pair_queries.list_pairs_of(visited).items()
        if not is_ruled_out
        for person, other in (key, key[::-1])
        if person in visited
    }
    if not found:
        return ()
    evidence = db.session.scalars(
        select(Flag.evidence)
        .join(Visit, Visit.visit_uuid == Flag.visit_uuid)
        .where(
            Flag.rule == "duplicate_person",
            Visit.household_uuid.in_(people.list_same(visit.household_uuid)),
            Visit.visit_uuid != visit.visit_uuid,
            Visit.state != "voided",
        )
    )
    told = {(pair["person"], pair["other"]) for seen in evidence for pair in seen["likely_pairs"]}
    return tuple(
        LikelyPair(person, other, why)
        for (person, other), why in sorted(found.items())
        # Of two of one household one is enough.
        if (person, other) not in told and not (other in visited and other < person)
    )


def hash_answers(visit: Visit, revision: VisitRevision, answers: Iterable[OwnAnswer]) -> str:
    """The hash by which other visits of the same worker with the same answers to the same checklist are found."""
    said = [[answer.path, answer.value] for answer in answers if answer.type not in _NOT_COMPARED]
    whole = json.dumps([visit.worker_id, revision.checklist_key, said], ensure_ascii=False)
    return keyring().lookup_hash(whole, "visit_revisions.answers")


def list_same_answers(visit: Visit, revision: VisitRevision, days: int) -> tuple[str, ...]:
    """The uuids of other visits with the same answers that ended within so many days of this one, the latest first."""
    near = timedelta(days=days)
    return tuple(
        db.session.scalars(
            select(Visit.visit_uuid)
            .join(
                VisitRevision,
                (VisitRevision.visit_uuid == Visit.visit_uuid) & (VisitRevision.revision == Visit.revision),
            )
            .where(
                VisitRevision.answers_hash == revision.answers_hash,
                VisitRevision.finished_at.between(revision.finished_at - near, revision.finished_at + near),
                Visit.visit_uuid != visit.visit_uuid,
                Visit.state != "voided",
            )
            .order_by(VisitRevision.finished_at.desc(), Visit.visit_uuid)
            .limit(MOST_SAME)
        )
    )
