"""What visits add to the counts of their grids and weeks.

Invariant: a visit is noted as it counted before it changes; at the end of the transaction what it, and everybody in it, counts
then is compared with that. So a count is right whatever was changed, and in whatever order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from fieldapp.core.db import db, do_last, pending
from fieldapp.people import queries as people
from fieldapp.people.models import Household, Person
from fieldapp.people.rules import COUNTS_AS_CONTACT
from fieldapp.rollups import actions as rollups
from fieldapp.rollups.columns import METHODS
from fieldapp.rollups.queries import read_running
from fieldapp.rollups.rules import HOUSEHOLD, PERSON, WEEK, WORKER, Contact, Key, Subject, tally
from fieldapp.visits import repeats
from fieldapp.visits.models import Visit, VisitPerson

_NOTED = "visits_noted"
AT_ONCE = 500


@dataclass(frozen=True)
class Counted:
    """A visit as it counts."""

    household_uuid: str
    area_code: str
    worker_id: int
    week_on: date
    finished_at: datetime
    method: str
    outcome: str
    # (person_uuid, the columns they count in).
    people: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def is_contact(self) -> bool:
        """Whether it reached somebody."""
        return self.outcome in COUNTS_AS_CONTACT

    def list_contacts(self) -> Iterator[tuple[Subject, Contact]]:
        """Whose contact it was, under the uuids it names."""
        if self.is_contact:
            yield (HOUSEHOLD, self.household_uuid), self._contact(("households",))
            yield (WORKER, str(self.worker_id)), repeats.worked(self.area_code, self.week_on)
            for person_uuid, columns in self.people:
                yield (PERSON, person_uuid), self._contact(columns)

    def _contact(self, columns: tuple[str, ...]) -> Contact:
        return Contact(self.finished_at, self.area_code, self.week_on, columns)

    def list_sums(self) -> dict[Key, int]:
        """What it adds to the columns that add up."""
        if self.is_contact:
            sums = {"contacts": len(self.people)}
            if self.method in METHODS:
                sums[f"by_{self.method}"] = len(self.people)
        else:
            sums = {"refusals" if self.outcome == "refused" else "attempts": 1}
        return {(self.area_code, WEEK, self.week_on, column): value for column, value in sums.items()}


def counted_of(visit: Visit) -> Counted | None:
    """How a visit counts as it is now; None for one that does not."""
    if visit.state == "voided" or visit.household_uuid is None:
        return None
    return Counted(
        visit.household_uuid,
        visit.area_code,
        visit.worker_id,
        visit.week_on,
        visit.finished_at,
        visit.method,
        visit.outcome,
        tuple((person.person_uuid, tuple(person.counted_as)) for person in visit.people),
    )


def note_new(visit_uuid: str) -> None:
    """Note a visit that is about to be stored."""
    pending(_NOTED).setdefault(visit_uuid, None)
    do_last(settle)


def note_change(visit: Visit) -> None:
    """Note how a visit counts before it changes."""
    pending(_NOTED).setdefault(visit.visit_uuid, counted_of(visit))
    do_last(settle)


def list_contacts_of(kind: str, uuids: Iterable[str]) -> dict[Subject, list[Contact]]:
    """The contacts that count of those who stand for these households, or people."""
    return list_contacts(set(list_standing((kind, uuid) for uuid in uuids).values()))


def settle() -> None:
    """Count the visits of the transaction as they are now, instead of as they were noted."""
    noted: Mapping[str, Counted | None] = pending(_NOTED)
    visits = db.session.scalars(select(Visit).where(Visit.visit_uuid.in_(list(noted))))
    after = {visit.visit_uuid: counted_of(visit) for visit in visits}
    before = {uuid: one for uuid, one in noted.items() if one}
    now = {uuid: one for uuid, one in after.items() if one}
    changed = {uuid for uuid in noted if before.get(uuid) != now.get(uuid)}
    counts: Counter[Key] = Counter()
    contacts: dict[str, dict[Subject, list[Contact]]] = {"before": {}, "now": {}}
    for name, sign, held in (("before", -1, before), ("now", 1, now)):
        for uuid in sorted(changed & held.keys()):
            for key, value in held[uuid].list_sums().items():
                counts[key] += sign * value
            for subject, contact in held[uuid].list_contacts():
                contacts[name].setdefault(subject, []).append(contact)
    _settle_subjects(counts, contacts["before"], contacts["now"], changed)
    rollups.add(counts)
    pending(_NOTED).clear()


def _settle_subjects(
    counts: Counter[Key],
    before: Mapping[Subject, list[Contact]],
    now: Mapping[Subject, list[Contact]],
    changed: Iterable[str],
) -> None:
    repeats.amend(before, now)
    named = before.keys() | now.keys()
    for _, worker in sorted(subject for subject in named if subject[0] == WORKER):
        rollups.lock_subject(WORKER, worker)
    standing = list_standing(named)
    touched: dict[Subject, tuple[list[Contact], list[Contact]]] = {}
    for place, held in enumerate((before, now)):
        for subject, contacts in held.items():
            touched.setdefault(standing[subject], ([], []))[place].extend(contacts)
    others = list_contacts(touched, besides=changed)
    repeats.note(
        {subject: [*others.get(subject, ()), *were, *are] for subject, (were, are) in touched.items()}
    )
    list_since = read_running()
    for subject, (were, are) in touched.items():
        first_week = min(contact.week_on for contact in (*were, *are))
        other = others.get(subject, [])
        counts.subtract(tally([*other, *were], list_since, first_week))
        counts.update(tally([*other, *are], list_since, first_week))


def list_standing(subjects: Iterable[Subject]) -> dict[Subject, Subject]:
    """Who stands for each household or person by now, by themselves; of a worker nobody else does."""
    standing = {subject: subject for subject in subjects}
    for kind, model in ((HOUSEHOLD, Household), (PERSON, Person)):
        uuids = [key for what, key in standing if what == kind]
        for uuid, stands in people.list_standing(model, uuids).items():
            standing[kind, uuid] = (kind, stands)
    return standing


def list_contacts(subjects: Iterable[Subject], besides: Iterable[str] = ()) -> dict[Subject, list[Contact]]:
    """The contacts that count of those who stand for themselves, under whichever uuid, but those of the visits `besides`."""
    by_kind: dict[str, list[str]] = {HOUSEHOLD: [], PERSON: [], WORKER: []}
    for kind, key in subjects:
        by_kind[kind].append(key)
    contacts: dict[Subject, list[Contact]] = {}
    counts = (
        Visit.outcome.in_(COUNTS_AS_CONTACT),
        Visit.state != "voided",
        Visit.visit_uuid.not_in(list(besides)),
    )
    what = Visit.finished_at, Visit.area_code, Visit.week_on
    behind = people.list_behind(Person, by_kind[PERSON])
    for person_uuid, columns, at, area_code, week_on in db.session.execute(
        select(VisitPerson.person_uuid, VisitPerson.counted_as, *what)
        .join(Visit, VisitPerson.visit_uuid == Visit.visit_uuid)
        .where(VisitPerson.person_uuid.in_(list(behind)), *counts)
    ):
        one = Contact(at, area_code, week_on, tuple(columns))
        contacts.setdefault((PERSON, behind[person_uuid]), []).append(one)
    behind = people.list_behind(Household, by_kind[HOUSEHOLD])
    for household_uuid, at, area_code, week_on in db.session.execute(
        select(Visit.household_uuid, *what).where(Visit.household_uuid.in_(list(behind)), *counts)
    ):
        one = Contact(at, area_code, week_on, ("households",))
        contacts.setdefault((HOUSEHOLD, behind[household_uuid or ""]), []).append(one)
    for worker_id, area_code, week_on in db.session.execute(
        select(Visit.worker_id, Visit.area_code, Visit.week_on)
        .where(Visit.worker_id.in_([int(key) for key in by_kind[WORKER]]), *counts)
        .distinct()
    ):
        contacts.setdefault((WORKER, str(worker_id)), []).append(repeats.worked(area_code, week_on))
    return contacts
