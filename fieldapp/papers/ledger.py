"""台账: what was done in a grid in a month, household by household, with totals.

Invariant: every figure is the length of a list of visits or problems kept beside it, and a total is the sum of its rows.
Households stand by name; nothing is counted by worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from fieldapp.areas.models import Area
from fieldapp.core import clock, wording
from fieldapp.core.codes import get_codes
from fieldapp.core.web import pick_text
from fieldapp.followups import queries as followups
from fieldapp.followups.rules import CLOSED
from fieldapp.people import period_queries, queries as people, rules
from fieldapp.people.models import Household, Person
from fieldapp.people.rules import COUNTS_AS_CONTACT, Contact
from fieldapp.reviews import queries as reviews
from fieldapp.users import queries as users
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit

Words = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Month:
    """A calendar month of the field work."""

    first: date

    @property
    def last(self) -> date:
        """Its last day."""
        return self.following.first - timedelta(days=1)

    @property
    def following(self) -> Month:
        """The next one."""
        return Month((self.first.replace(day=28) + timedelta(days=4)).replace(day=1))

    @property
    def before(self) -> Month:
        """The one before."""
        return Month((self.first - timedelta(days=1)).replace(day=1))

    @property
    def starts_at(self) -> datetime:
        """Its first instant."""
        return clock.midnight(self.first)

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


@dataclass(frozen=True)
class Entry:
    """A visit, or an attempt, as the ledger tells it."""

    visit_uuid: str
    day: date
    method: str
    outcome: str
    worker_name: str
    is_entered: bool  # 代录


@dataclass(frozen=True)
class Problem:
    """Something a visit of the month found; settled or still open."""

    visit_uuid: str
    day: date
    text: str
    state: str
    is_open: bool


@dataclass(frozen=True)
class Row:
    """A household of the ledger."""

    household: Household
    people: list[str]
    reached: list[Entry]
    tried: list[Entry]
    problems: list[Problem]
    missed: list[str]
    due_on: date | None

    @property
    def handled(self) -> list[Problem]:
        """What has been settled."""
        return [problem for problem in self.problems if not problem.is_open]

    @property
    def open(self) -> list[Problem]:
        """What is still to be done."""
        return [problem for problem in self.problems if problem.is_open]

    @property
    def workers(self) -> list[str]:
        """Who went, each once."""
        entries = sorted([*self.reached, *self.tried], key=lambda entry: entry.day)
        return list(dict.fromkeys(entry.worker_name for entry in entries))


# The figures of a row: what each counts.
FIGURES = ("people", "reached", "tried", "problems", "handled", "open", "missed")


@dataclass(frozen=True)
class Ledger:
    """The ledger of a grid for a month."""

    grid: Area
    month: Month
    rows: list[Row]

    @property
    def totals(self) -> dict[str, int]:
        """By figure, the sum of the rows."""
        return {name: sum(len(getattr(row, name)) for row in self.rows) for name in FIGURES}


def read_month(text: str, today: date) -> Month:
    """A month as `2026-11`; this one for what is none, or lies in the future."""
    this = Month(today.replace(day=1))
    try:
        month = Month(date.fromisoformat(f"{text}-01"))
    except ValueError:
        return this
    return min(month, this, key=lambda one: one.first)


def make_ledger(grid: Area, month: Month, today: date) -> Ledger:
    """The ledger of a grid; of the month that runs, as it stands today."""
    starts_at, ends_at = month.starts_at, month.following.starts_at
    there = people.list_households_in(grid.code, starts_at, ends_at)
    # What was visited under an entry that was merged since is told of the one that stands for it.
    behind = people.list_same_of([one.household_uuid for one in there])
    found = visits.list_visits_in(grid.code, behind, starts_at, ends_at)
    by_household: dict[str, list[Visit]] = {}
    for visit in found:
        by_household.setdefault(behind[visit.household_uuid or ""], []).append(visit)
    listed = {
        one.household_uuid
        for one in there
        if one.merged_into is None and any(_is_listed(person, month) for person in one.people)
    }
    here = [one for one in there if one.household_uuid in listed | by_household.keys()]
    elsewhere = (listed | by_household.keys()) - {one.household_uuid for one in here}
    households = sorted(
        [*here, *(people.list_households(elsewhere) if elsewhere else [])],
        key=lambda one: (one.name, one.address, one.household_uuid),
    )
    words = wording.get_words("method", "outcome", "followup_type", "class")
    problems = _list_problems(found, words)
    names = users.get_display_names(visit.worker_id for visit in found)
    missed = _list_missed(households, grid.code, month, today)
    return Ledger(
        grid,
        month,
        [
            _make_row(
                household,
                by_household.get(household.household_uuid, []),
                words,
                names,
                problems,
                [name for uuid, name in missed if uuid == household.household_uuid],
                month,
            )
            for household in households
        ],
    )


def _is_listed(person: Person, month: Month) -> bool:
    """Whether somebody was on the list, alive and there, at some time of the month."""
    gone_on = person.died_on or person.moved_away_on
    return person.registered_on <= month.last and (gone_on is None or gone_on >= month.first)


def _make_row(
    household: Household,
    found: Sequence[Visit],
    words: Words,
    names: Mapping[int, str],
    problems: Mapping[str, list[Problem]],
    missed: list[str],
    month: Month,
) -> Row:
    entries = [
        (
            visit.outcome in COUNTS_AS_CONTACT,
            Entry(
                visit.visit_uuid,
                clock.local_date(visit.finished_at),
                words["method"].get(visit.method, visit.method),
                words["outcome"].get(visit.outcome, visit.outcome),
                names.get(visit.worker_id, ""),
                visit.entered_by is not None,
            ),
        )
        for visit in found
    ]
    # Whoever was visited before they came onto the list is told all the same.
    listed = [person for person in household.people if found or _is_listed(person, month)]
    return Row(
        household,
        [_say_person(person, words) for person in listed],
        [entry for counts, entry in entries if counts],
        [entry for counts, entry in entries if not counts],
        [problem for visit in found for problem in problems.get(visit.visit_uuid, [])],
        missed,
        household.due_on,
    )


def _say_person(person: Person, words: Words) -> str:
    main_class = words["class"].get(person.main_class, "") if person.main_class != "none" else ""
    return f"{person.name} {main_class}".strip()


def _list_problems(found: Sequence[Visit], words: Words) -> dict[str, list[Problem]]:
    """By visit, what it found: its flags that were not dismissed, and the tasks made of it by hand.

    A problem is settled when all that follows from it is closed; where nothing follows, once somebody has confirmed it.
    What is confidential (complaints, suspected abuse) is told nowhere on paper.
    """
    days = {visit.visit_uuid: clock.local_date(visit.finished_at) for visit in found}
    confidential = {code for code, row in get_codes("followup_type").items() if row.extra.get("restricted")}
    tasks = [
        task
        for task in followups.list_followups_of_visits(days)
        if task.type not in confidential and not task.is_abuse
    ]
    by_flag: dict[int, list[Any]] = {}
    for task in tasks:
        if task.flag_id is not None:
            by_flag.setdefault(task.flag_id, []).append(task)
    problems: dict[str, list[Problem]] = {}
    is_abuse = followups.read_abuse_rule()
    for flag in reviews.list_flags(days):
        is_told = flag.followup_type not in confidential and not is_abuse(flag.followup_type, flag.question)
        if flag.state == "dismissed" or not is_told:
            continue
        of_flag = by_flag.get(flag.id, [])
        is_open = any(task.state not in CLOSED for task in of_flag) if of_flag else flag.state == "open"
        problems.setdefault(flag.visit_uuid, []).append(
            Problem(
                flag.visit_uuid,
                days[flag.visit_uuid],
                pick_text(flag.text),
                _say_tasks(of_flag, words) or str(wording.FLAG_STATES[flag.state]),
                is_open,
            )
        )
    for task in tasks:
        if task.flag_id is None and task.visit_uuid:
            problems.setdefault(task.visit_uuid, []).append(
                Problem(
                    task.visit_uuid,
                    days[task.visit_uuid],
                    pick_text(task.reason),
                    _say_tasks([task], words),
                    task.state not in CLOSED,
                )
            )
    return problems


def _say_tasks(tasks: Iterable[Any], words: Words) -> str:
    return "; ".join(
        f"{words['followup_type'].get(task.type, task.type)} {wording.FOLLOWUP_STATES[task.state]}"
        for task in tasks
    )


def _list_missed(
    households: Sequence[Household], grid_code: str, month: Month, today: date
) -> list[tuple[str, str]]:
    """(household, name) of who was overdue when the month ended, or is today.

    By what the registry asks for now: risk, class and tags of that time are not kept by day.
    """
    until = min(month.last, today - timedelta(days=1))
    table, periods = people.get_due_table(), period_queries.list_rules_over(grid_code)
    listed = [person for one in households for person in one.people if _is_listed(person, month)]
    contacts = visits.list_contacts(person.person_uuid for person in listed)
    missed = []
    for person in listed:
        days = [Contact(clock.local_date(at), is_remote) for at, is_remote in contacts[person.person_uuid]]
        due_on = _due_on(
            person, [one for one in days if one.on <= min(month.last, today)], table, periods, until
        )
        if due_on is not None and due_on <= until:
            missed.append((person.household_uuid, person.name))
    return missed


def _due_on(
    person: Person,
    contacts: Sequence[Contact],
    table: rules.DueTable,
    periods: Sequence[rules.Period],
    until: date,
) -> date | None:
    counts_remote = person.risk not in table.every_other
    last = max(contacts, default=None) if counts_remote else rules.find_last_counted(contacts)
    gone_on = person.died_on or person.moved_away_on
    return rules.next_due_on(
        person.registered_on,
        last.on if last else None,
        gone_on if gone_on and gone_on <= until else None,
        rules.list_intervals(
            table,
            person.risk,
            person.main_class,
            [(tag.tag, tag.from_on, tag.to_on) for tag in person.tags],
            periods,
        ),
    )
