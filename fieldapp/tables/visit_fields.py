"""The columns of tables of visits: what each is read from, and how it is written.

Invariant: what a column is not chosen for is not read: names, places and counts cost only who asks for them. Names are masked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from flask_babel import LazyString, gettext, lazy_gettext
from sqlalchemy import ColumnElement, Select, String, cast, func, select

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS
from fieldapp.checklists import queries as checklists
from fieldapp.core import clock, wording
from fieldapp.core.web import pick_text
from fieldapp.followups import queries as followups
from fieldapp.followups.models import Followup
from fieldapp.people.models import Household
from fieldapp.people.rules import mask_name
from fieldapp.reports.layout import COLUMNS as REPORTED
from fieldapp.reviews.models import Flag
from fieldapp.rollups.columns import CLASSES
from fieldapp.tables.rules import PLACE, WORKER
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit, VisitPerson, VisitRevision

Value = str | int | float | None
_CLASS = re.compile(r'"class_(\w+)"')
# Read only where a column needs them; of the visit itself any column may be named.
HOUSEHOLD, CHECKLIST, BODY, COUNTED = "household", "checklist", "body", "counted"
FOLLOWUPS, FLAGS = "followups", "flags"


def select_visits(sources: Iterable[str], reader: User, now: datetime) -> Select[Any]:
    """The visits with those sources, as plain columns in their order."""
    named = list(sources)
    rows: Select[Any] = select(*(_column(name, reader, now).label(name) for name in named))
    if HOUSEHOLD in named:
        rows = rows.outerjoin(Household, Household.household_uuid == Visit.household_uuid)
    if CHECKLIST in named or BODY in named:
        rows = rows.join(VisitRevision, visits.is_current())
    return rows


def has_flag(severity: str = "") -> ColumnElement[bool]:
    """Whether a visit has a flag, of that severity, that nobody dismissed."""
    return select(Flag.id).where(*_flags(severity)).exists()


def has_class(name: str) -> ColumnElement[bool]:
    """Whether somebody of that main class, as it was then, was seen or asked about."""
    counted = cast(VisitPerson.counted_as, String).contains(f'"class_{name}"')
    return select(VisitPerson.person_uuid).where(VisitPerson.visit_uuid == Visit.visit_uuid, counted).exists()


def _flags(severity: str) -> list[ColumnElement[bool]]:
    of_visit = [Flag.visit_uuid == Visit.visit_uuid, Flag.state != "dismissed"]
    return [*of_visit, Flag.severity == severity] if severity else of_visit


def _column(source: str, reader: User, now: datetime) -> Any:
    of_people = VisitPerson.visit_uuid == Visit.visit_uuid
    if source == HOUSEHOLD:
        return Household.name
    if source == CHECKLIST:
        return VisitRevision.checklist_key
    if source == BODY:
        return VisitRevision.body
    if source == COUNTED:
        counted = func.aggregate_strings(cast(VisitPerson.counted_as, String), " ")
        return select(counted).where(of_people).scalar_subquery()
    if source == FOLLOWUPS:
        made = Followup.visit_uuid == Visit.visit_uuid
        readable = followups.readable(reader, now)
        return select(func.count()).select_from(Followup).where(made, *readable).scalar_subquery()
    if source == FLAGS:
        return select(func.aggregate_strings(Flag.severity, " ")).where(*_flags("")).scalar_subquery()
    return getattr(Visit, source)


@dataclass
class Names:
    """What codes and keys are called, each looked up once for a whole table."""

    area_codes: Sequence[str]
    _areas: dict[str, str] = field(default_factory=dict)
    _people: dict[int, str] = field(default_factory=dict)

    def of_areas(self, grids: Iterable[str]) -> dict[str, str]:
        """The names of those grids and of all above them; among others."""
        new = set(grids) - self._areas.keys()
        missing = {code[:digits] for code in new for digits in LEVELS.values()} - self._areas.keys()
        if missing:
            self._areas |= dict.fromkeys(missing, "") | areas.get_names(missing)
        return self._areas

    def of_people(self, user_ids: Iterable[int]) -> dict[int, str]:
        """The names of those accounts, and of others."""
        missing = set(user_ids) - self._people.keys()
        if missing:
            self._people |= dict.fromkeys(missing, "") | users.get_display_names(missing)
        return self._people

    @cached_property
    def words(self) -> dict[str, dict[str, str]]:
        """The words of methods and outcomes."""
        return wording.get_words("method", "outcome")

    @cached_property
    def states(self) -> dict[str, str]:
        """The words of the states of a visit."""
        return {code: str(word) for code, word in wording.VISIT_STATES.items()}

    @cached_property
    def classes(self) -> dict[str, str]:
        """The words of the main classes, as the report has them."""
        return {name: str(REPORTED[f"class_{name}"].head) for name in CLASSES}

    @cached_property
    def checklists(self) -> dict[str, str]:
        """The titles of checklists."""
        titles = checklists.list_visit_titles(self.area_codes)
        return {key: pick_text(title) for key, title in titles.items()}


class Batch:
    """Some visits, column by column."""

    def __init__(self, sources: Sequence[str], rows: Sequence[Sequence[Any]], names: Names) -> None:
        self._sources = dict(zip(sources, zip(*rows, strict=True), strict=True))
        self.names = names

    def of(self, source: str) -> Sequence[Any]:
        """What was read of each."""
        return self._sources[source]

    @cached_property
    def ended(self) -> list[str]:
        """When each ended."""
        return self.say_instants("finished_at")

    def say_instants(self, source: str) -> list[str]:
        """Those instants on the clock of the field work: 2026-11-30 09:42."""
        return [instant.astimezone(clock.LOCAL).isoformat(" ", "minutes")[:16] for instant in self.of(source)]

    @cached_property
    def places(self) -> list[Mapping[str, Any]]:
        """Where each took place, as it was measured; nothing where it was not."""
        return [body.get("location") or {} for body in self.of(BODY)]

    def name_areas(self, level: str) -> list[str]:
        """The name of the area of that level that each took place in."""
        digits, codes = LEVELS[level], self.of("area_code")
        names = self.names.of_areas(codes)
        return [names[code[:digits]] for code in codes]


@dataclass(frozen=True)
class Field:
    """A column: its head, what it is read from, and its values for some visits."""

    name: str
    head: LazyString
    sources: tuple[str, ...]
    values: Callable[[Batch], Sequence[Value]]


def _plain(name: str, head: LazyString, source: str | None = None) -> Field:
    return Field(name, head, (source or name,), lambda batch: batch.of(source or name))


def _area(level: str, head: LazyString) -> Field:
    return Field(level, head, ("area_code",), lambda batch: batch.name_areas(level))


def _place(name: str, head: LazyString) -> Field:
    return Field(name, head, (BODY,), lambda batch: [place.get(name) for place in batch.places])


def _count_flags(severity: str, head: LazyString) -> Field:
    return Field(
        severity,
        head,
        (FLAGS,),
        lambda batch: [held.count(severity) if held else 0 for held in batch.of(FLAGS)],
    )


def _say_people(batch: Batch) -> list[Value]:
    names = batch.names.of_people(batch.of("worker_id"))
    return [names[user_id] for user_id in batch.of("worker_id")]


def _say_classes(batch: Batch) -> list[Value]:
    words = batch.names.classes
    said: dict[str | None, str] = {}
    for counted in set(batch.of(COUNTED)):
        held = set(_CLASS.findall(counted or ""))
        said[counted] = "; ".join(word for name, word in words.items() if name in held)
    return [said[counted] for counted in batch.of(COUNTED)]


def _say(table: str) -> Callable[[Batch], list[Value]]:
    def say(batch: Batch) -> list[Value]:
        words = batch.names.words[table]
        return [words.get(code, code) for code in batch.of(table)]

    return say


def _yes(values: Iterable[object]) -> list[Value]:
    yes, no = gettext("yes"), gettext("no")
    return [yes if value else no for value in values]


_FIELDS = (
    _plain("visit", lazy_gettext("Visit no."), "visit_uuid"),
    Field(
        "week",
        lazy_gettext("Week to"),
        ("week_on",),
        lambda batch: [day.isoformat() for day in batch.of("week_on")],
    ),
    Field(
        "day",
        lazy_gettext("Day"),
        ("finished_at",),
        lambda batch: [ended[:10] for ended in batch.ended],
    ),
    Field(
        "time",
        lazy_gettext("Time"),
        ("finished_at",),
        lambda batch: [ended[11:] for ended in batch.ended],
    ),
    Field(
        "received",
        lazy_gettext("Received"),
        ("received_at",),
        lambda batch: batch.say_instants("received_at"),
    ),
    _area("city", lazy_gettext("City")),
    _area("county", lazy_gettext("County")),
    _area("township", lazy_gettext("Township")),
    _area("village", lazy_gettext("Village")),
    _area("grid", lazy_gettext("Grid")),
    Field(
        "household",
        lazy_gettext("Household (masked)"),
        (HOUSEHOLD,),
        lambda batch: [mask_name(name or "") for name in batch.of(HOUSEHOLD)],
    ),
    Field(
        "people",
        lazy_gettext("People seen or asked about"),
        (COUNTED,),
        # Of each a list of what they count as: ["class_dibao_rural", "tag_lonely"].
        lambda batch: [held.count("[") if held else 0 for held in batch.of(COUNTED)],
    ),
    Field("classes", lazy_gettext("Main classes"), (COUNTED,), _say_classes),
    Field("outcome", lazy_gettext("Outcome"), ("outcome",), _say("outcome")),
    Field("method", lazy_gettext("Method"), ("method",), _say("method")),
    Field(WORKER, lazy_gettext("Grid worker"), ("worker_id",), _say_people),
    Field(
        "checklist",
        lazy_gettext("Checklist"),
        (CHECKLIST,),
        lambda batch: [batch.names.checklists.get(key, key) for key in batch.of(CHECKLIST)],
    ),
    Field(
        "state",
        lazy_gettext("State"),
        ("state",),
        lambda batch: [batch.names.states[state] for state in batch.of("state")],
    ),
    _count_flags("red", lazy_gettext("Red flags")),
    _count_flags("orange", lazy_gettext("Orange flags")),
    _count_flags("yellow", lazy_gettext("Yellow flags")),
    _plain(FOLLOWUPS, lazy_gettext("Follow-ups"), FOLLOWUPS),
    Field(
        "desk",
        lazy_gettext("Entered at the desk"),
        ("entered_by",),
        lambda batch: _yes(batch.of("entered_by")),
    ),
    _plain("revision", lazy_gettext("Version")),
    _place("lat", lazy_gettext("Latitude")),
    _place("lon", lazy_gettext("Longitude")),
    _place("accuracy_m", lazy_gettext("Accuracy, m")),
    _place("datum", lazy_gettext("Datum")),
)
FIELDS = {one.name: one for one in _FIELDS}


@dataclass(frozen=True)
class Group:
    """Columns under one head."""

    head: LazyString
    columns: tuple[Field, ...]


GROUPS = (
    Group(lazy_gettext("The visit"), tuple(one for one in _FIELDS if one.name not in PLACE)),
    Group(lazy_gettext("Place, as it was measured"), tuple(FIELDS[name] for name in PLACE)),
)
DEFAULT = (
    *("day", "time", "township", "grid", "household", "people", "outcome", "method", WORKER),
    *("state", "red", "orange", "yellow", FOLLOWUPS),
)


def list_sources(names: Iterable[str]) -> list[str]:
    """What has to be read for those columns, each once."""
    return list(dict.fromkeys(source for name in names for source in FIELDS[name].sources))


def list_cells(names: Sequence[str], batch: Batch) -> list[tuple[Value, ...]]:
    """The rows of some visits, with those columns."""
    return list(zip(*(FIELDS[name].values(batch) for name in names), strict=True))
