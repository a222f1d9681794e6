"""In which columns of a report a person counts, by class and tags, and who was newly admitted.

Invariant: the code tables say for each class and tag the column it counts in.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import delete, select

from fieldapp.core.codes import get_codes
from fieldapp.core.db import db
from fieldapp.core.wording import age_on
from fieldapp.people.models import Admission, Person
from fieldapp.rollups import actions as rollups
from fieldapp.rollups.columns import CLASSES, TAGS
from fieldapp.rollups.queries import choose_week

ADULT_AGE = 18
CARE_MISSING = "care_missing"
# Which classes are dibao, and which destitute support.
SCHEMES = {
    "dibao_urban": "dibao",
    "dibao_rural": "dibao",
    "destitute_scattered": "destitute",
    "destitute_institutional": "destitute",
}
DISABLED = frozenset({"disabled", "severely_disabled"})


def list_columns(person: Person, on: date) -> list[str]:
    """The columns somebody counts in who is seen or asked about on a day: as a person, by class, by tags."""
    classes, tags = get_codes("class"), get_codes("tag")
    main_class = classes.get(person.main_class)
    named = str((main_class.extra if main_class else {}).get("column", person.main_class))
    columns = {"persons", f"class_{named if named in CLASSES else 'other_hardship'}"}
    for held in person.tags:
        if (held.from_on and held.from_on > on) or (held.to_on and held.to_on < on) or held.tag not in tags:
            continue
        column = str(tags[held.tag].extra.get("column", ""))
        if column == CARE_MISSING:
            column = f"{CARE_MISSING}_{_care_group(person, on)}"
        if column in TAGS:
            columns.add(f"tag_{column}")
    return sorted(columns)


def count_admission(person: Person, before: str, now: datetime) -> None:
    """Count a person whose class has changed from `before`, when that admits them to dibao or destitute support."""
    scheme = SCHEMES.get(person.main_class)
    if scheme is None or SCHEMES.get(before) == scheme:
        return
    household = person.household
    others = [one for one in household.people if one is not person and SCHEMES.get(one.main_class) == scheme]
    admission = Admission(
        person_uuid=person.person_uuid,
        household_uuid=household.household_uuid,
        grid_code=household.grid_code,
        scheme=scheme,
        is_first=not others,
        admitted_at=now,
        week_on=choose_week(household.grid_code, now, now),
    )
    db.session.add(admission)
    rollups.count(admission.grid_code, admission.week_on, list_admitted(admission))


def forget_admissions(person_uuids: Iterable[str]) -> None:
    """Take off the admissions of people who are taken out because they were never to be on the list."""
    theirs = list(person_uuids)
    for admission in db.session.scalars(select(Admission).where(Admission.person_uuid.in_(theirs))):
        rollups.count(admission.grid_code, admission.week_on, list_admitted(admission), -1)
    db.session.execute(delete(Admission).where(Admission.person_uuid.in_(theirs)))


def list_admitted(admission: Admission) -> dict[str, int]:
    """What an admission adds to the columns of the report."""
    counts = {f"admitted_{admission.scheme}_persons": 1}
    if admission.is_first:
        counts[f"admitted_{admission.scheme}_households"] = 1
    return counts


def _care_group(person: Person, on: date) -> str:
    """Whose carer is missing: a minor's, a disabled person's, or else an elder's."""
    age = age_on(person.birth_on, on)
    if age is not None and age < ADULT_AGE:
        return "minor"
    is_disabled = any(held.tag in DISABLED for held in person.tags)
    return "disabled" if is_disabled else "elder"
