"""Writes of households and people.

Invariant: every change of a household or a person is in its history, whole, and published to its grid's feed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, insert, select, tuple_, update

from fieldapp.areas import queries as areas
from fieldapp.core import audit, clock, scope
from fieldapp.core.codes import get_codes
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish
from fieldapp.people import counting, pair_actions, period_queries, queries, rules, tally_actions
from fieldapp.people.models import (
    Carer,
    Household,
    HouseholdGrid,
    Person,
    PersonTag,
    RegistryChange,
    SearchWord,
)
from fieldapp.users.models import User

REFRESHED_AT_ONCE = 200

# What a person may change of a household or a person, and what the history tells of.
HOUSEHOLD_FIELDS = ("name", "address", "phone", "lat", "lon", "datum", "note")
PERSON_FIELDS = (
    *("name", "relation", "sex", "birth_on", "id_number", "id_reason", "phone", "bank_name", "bank_account"),
    *(
        "main_class",
        "causes",
        "risk",
        "tags",
        "carers",
        "died_on",
        "moved_away_on",
        "moved_away_to",
        "found_at",
    ),
)
# Of somebody who was registered twice, also since when they are on the list.
MERGED_FIELDS = (*PERSON_FIELDS, "registered_on")
# By what two entries are found to be alike.
_LIKENESS = {"name", "sex", "birth_on", "id_number", "phone"}


@dataclass(frozen=True)
class Origin:
    """Where a change comes from: who (None: the system itself), by which way (desk, phone, import), and why."""

    actor: User | None
    source: str
    now: datetime
    # The operation that brought it, or the number of the import.
    source_id: str | None = None
    reason: str | None = None
    # Somebody leaves dibao or destitute support though a special period pauses that: `reason` says why.
    overrides_pause: bool = False


def add_household(household: Household, now: datetime, origin: Origin | None = None) -> Household:
    """Store a new household with its people, their look-up hashes and due dates; its history begins with `origin`."""
    add_households([household], now, origin)
    return household


def add_households(households: Collection[Household], now: datetime, origin: Origin | None = None) -> None:
    """The same for many at once, which asks the database less often."""
    for household in households:
        _derive_of_household(household)
        for position, person in enumerate(household.people):
            person.position = position
            person.registered_on = clock.local_date(now)
            # Set while nothing has to be read for it.
            person.carers = list(person.carers)
            _derive(person)
    db.session.add_all(households)
    db.session.flush()
    # Rows with numbers of the database's own, one by one, would take as long as all the rest.
    grids = [{"household_uuid": one.household_uuid, "grid_code": one.grid_code} for one in households]
    db.session.execute(insert(HouseholdGrid), grids)
    _keep_search_words(*households)
    pair_actions.compare_later(person for household in households for person in household.people)
    if origin is not None:
        added = [change for household in households for change in _list_added(household, origin)]
        db.session.execute(insert(RegistryChange), added)
    refresh_due(*households)


def _list_added(household: Household, origin: Origin) -> Iterator[dict[str, Any]]:
    values = _as_added(household, HOUSEHOLD_FIELDS)
    yield _as_change("household", household.household_uuid, "add", values, origin)
    for person in household.people:
        yield _as_change("person", person.person_uuid, "add", _as_added(person, PERSON_FIELDS), origin)


def add_person(household: Household, person: Person, origin: Origin) -> Person:
    """Store somebody who is found to live in a household that is there already."""
    person.position = max((other.position for other in household.people), default=-1) + 1
    person.registered_on = clock.local_date(origin.now)
    _derive(person)
    household.people.append(person)
    db.session.flush()
    _keep_search_words(household)
    pair_actions.compare_later([person])
    _note("person", person.person_uuid, "add", _as_added(person, PERSON_FIELDS), origin)
    refresh_due(household)
    return person


def change_household(household: Household, fields: Mapping[str, Any], origin: Origin) -> dict[str, list[Any]]:
    """Set some of HOUSEHOLD_FIELDS; returns what changed, {field: [before, after]} as JSON values."""
    changed = _change(household, fields, HOUSEHOLD_FIELDS)
    if changed:
        _derive_of_household(household)
        _keep_search_words(household)
        if {"name", "address"} & set(changed):
            pair_actions.compare_later(household.people)
        _note("household", household.household_uuid, "change", changed, origin)
        publish_household(household)
    return changed


def change_person(person: Person, fields: Mapping[str, Any], origin: Origin) -> dict[str, list[Any]]:
    """Set some of PERSON_FIELDS; returns what changed, {field: [before, after]} as JSON values.

    `tags` are [tag, from, to] each, `carers` {role, name, relation, phone} each; dates and instants are Python's.
    Raises exit_paused when a special period keeps them on dibao or destitute support, reason_needed when that is
    overridden without one.
    """
    if "main_class" in fields:
        _check_exit(person, fields["main_class"], origin)
    changed = _change(person, fields, PERSON_FIELDS)
    if changed:
        _derive(person)
        _keep_search_words(person.household)
        if _LIKENESS & set(changed):
            pair_actions.compare_later([person])
        _note("person", person.person_uuid, "change", changed, origin)
        if "main_class" in changed:
            counting.count_admission(person, changed["main_class"][0], origin.now)
        refresh_due(person.household)
    return changed


def _check_exit(person: Person, main_class: str, origin: Origin) -> None:
    classes = get_codes("class")
    core = {code for code, row in classes.items() if row.extra.get("tier") == "core"}
    if person.main_class not in core or main_class in core:
        return
    today = clock.local_date(origin.now)
    pausing = period_queries.find_pausing(person.household.grid_code, today)
    if pausing is None:
        return
    if not origin.overrides_pause:
        raise AppError("exit_paused", name=pausing.name)
    if not origin.reason:
        raise AppError("reason_needed")
    audit.record(
        origin.actor,
        "period.override",
        "person",
        person.person_uuid,
        at=origin.now,
        period=pausing.id,
        before=person.main_class,
        after=main_class,
        reason=origin.reason,
    )


def _change(
    row: Household | Person, fields: Mapping[str, Any], allowed: tuple[str, ...]
) -> dict[str, list[Any]]:
    if unknown := set(fields) - set(allowed):
        raise ValueError(f"no fields of the registry: {sorted(unknown)}")
    before = state_of(row, fields)
    for name, value in fields.items():
        if isinstance(row, Person) and name == "tags":
            _set_tags(row, value)
        elif isinstance(row, Person) and name == "carers":
            row.carers = [Carer(**carer) for carer in value]
        else:
            setattr(row, name, value)
    after = state_of(row, fields)
    return {name: [before[name], after[name]] for name in fields if before[name] != after[name]}


def _set_tags(person: Person, tags: Iterable[tuple[str, date | None, date | None]]) -> None:
    held = {tag.tag: tag for tag in person.tags}
    rows = []
    for name, from_on, to_on in tags:
        # The row is the same one as before: its key is the person's and the tag's.
        row = held.get(name) or PersonTag(tag=name)
        row.from_on, row.to_on = from_on, to_on
        rows.append(row)
    person.tags = rows


def state_of(row: Household | Person, fields: Iterable[str]) -> dict[str, Any]:
    """Those fields of a household or a person as JSON values, as its history keeps them."""
    return {name: _as_json(name, getattr(row, name)) for name in fields}


def _as_json(name: str, value: Any) -> Any:
    match name:
        case "tags":
            return sorted([tag.tag, _as_text(tag.from_on), _as_text(tag.to_on)] for tag in value)
        case "carers":
            return [
                {field: getattr(carer, field) for field in ("role", "name", "relation", "phone")}
                for carer in value
            ]
    return _as_text(value)


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.iso(value)
    return value.isoformat() if isinstance(value, date) else value


def read_state(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the history keeps them, as `change_household` and `change_person` take them: the way back of `state_of`."""
    return {name: _from_json(name, value) for name, value in fields.items()}


def _from_json(name: str, value: Any) -> Any:
    if name == "tags":
        return [(tag, _as_day(from_on), _as_day(to_on)) for tag, from_on, to_on in value or []]
    if name in ("causes", "carers"):
        return value or []
    if name.endswith("_on"):
        return _as_day(value)
    return clock.parse_instant(value) if name.endswith("_at") and value else value


def _as_day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _derive_of_household(household: Household) -> None:
    """What numbers a household is found by; none when another stands for it."""
    phone = None if household.merged_into else household.phone
    household.phone_hash, household.phone_tail_hash = queries.number_hashes(phone, "phone")


def _derive(person: Person) -> None:
    """What numbers a person is found by; none when somebody stands for them."""
    id_number, phone, account = (
        (None, None, None) if person.merged_into else (person.id_number, person.phone, person.bank_account)
    )
    person.id_hash, person.id_tail_hash = queries.number_hashes(id_number, "id")
    person.phone_hash, person.phone_tail_hash = queries.number_hashes(phone, "phone")
    person.bank_account_hash, person.bank_account_tail_hash = queries.number_hashes(account, "bank_account")


def _keep_search_words(*households: Household) -> None:
    """Write again what households are found by, nothing when another stands for one; words that stay are not touched."""
    wanted = {
        (household.grid_code, household.household_uuid, kind, word)
        for household in households
        if household.merged_into is None
        for kind, word in _list_words(household)
    }
    held = {tuple(row) for row in db.session.execute(select(*_WORD).where(_are_words_of(households)))}
    if gone := held - wanted:
        db.session.connection().execute(
            delete(SearchWord).where(*(column == bindparam(f"its_{column.key}") for column in _WORD)),
            [
                {f"its_{column.key}": value for column, value in zip(_WORD, word, strict=True)}
                for word in gone
            ],
        )
    if added := wanted - held:
        rows = [dict(zip((column.key for column in _WORD), word, strict=True)) for word in sorted(added)]
        db.session.execute(insert(SearchWord), rows)


_WORD = (SearchWord.grid_code, SearchWord.household_uuid, SearchWord.kind, SearchWord.word)


def _are_words_of(households: Iterable[Household]) -> ColumnElement[bool]:
    keys = [(household.grid_code, household.household_uuid) for household in households]
    return tuple_(SearchWord.grid_code, SearchWord.household_uuid).in_(keys)


def _list_words(household: Household) -> Iterator[tuple[str, str]]:
    for word in set().union(*(rules.name_words(name) for name in _list_names(household))):
        yield "name", word
    for word in rules.address_words(household.address):
        yield "address", word


def _list_names(household: Household) -> list[str]:
    return [household.name, *(person.name for person in household.people)]


def _note(kind: str, uuid: str, deed: str, values: dict[str, list[Any]], origin: Origin) -> None:
    db.session.execute(insert(RegistryChange), [_as_change(kind, uuid, deed, values, origin)])


def _as_change(
    kind: str, uuid: str, deed: str, values: dict[str, list[Any]], origin: Origin
) -> dict[str, Any]:
    """A row of the registry's history."""
    return {
        "at": origin.now,
        "kind": kind,
        "uuid": uuid,
        "deed": deed,
        "actor_id": origin.actor.id if origin.actor else None,
        "source": origin.source,
        "source_id": origin.source_id,
        "values": values,
        "reason": origin.reason,
    }


def _as_added(row: Household | Person, fields: Iterable[str]) -> dict[str, list[Any]]:
    return {
        name: [None, value] for name, value in state_of(row, fields).items() if value not in (None, "", [])
    }


def remove_people(people: Sequence[Person], origin: Origin) -> None:
    """Take out who was added by mistake and whom nothing else names; the history tells that they were there."""
    households = {person.household_uuid: person.household for person in people}
    for person in people:
        publish(person.household.grid_code, "person", person.person_uuid, gone=True)
    removed = [_as_change("person", person.person_uuid, "remove", {}, origin) for person in people]
    db.session.execute(insert(RegistryChange), removed)
    pair_actions.compare_later(people)
    uuids = [person.person_uuid for person in people]
    counting.forget_admissions(uuids)
    for model, column in ((PersonTag, PersonTag.person_uuid), (Carer, Carer.person_uuid)):
        db.session.execute(delete(model).where(column.in_(uuids)))
    db.session.execute(delete(Person).where(Person.person_uuid.in_(uuids)))
    for household in households.values():
        db.session.expire(household, ["people"])
    held = queries.list_households(households)
    _keep_search_words(*held)
    refresh_due(*held)


def remove_households(households: Sequence[Household], origin: Origin) -> None:
    """Take out households without people that were added by mistake and that nothing else names."""
    for household in households:
        publish(household.grid_code, "household", household.household_uuid, gone=True)
        tally_actions.count_household(household, is_gone=True)
    db.session.flush()
    removed = [_as_change("household", one.household_uuid, "remove", {}, origin) for one in households]
    db.session.execute(insert(RegistryChange), removed)
    uuids = [household.household_uuid for household in households]
    db.session.execute(delete(HouseholdGrid).where(HouseholdGrid.household_uuid.in_(uuids)))
    db.session.execute(delete(SearchWord).where(_are_words_of(households)))
    db.session.execute(delete(Household).where(Household.household_uuid.in_(uuids)))


def move_household(
    actor: User, household_uuid: str, grid_code: str, now: datetime, origin: Origin | None = None
) -> Household:
    """Put a household into another grid from `now` on: gone in the old grid's feed, there in the new one's.

    Visits that ended before still count in the old grid. `origin`: when it was not the actor at the desk. Raises not_found
    when household or grid lie outside the actor's areas.
    """
    area_codes = actor.area_codes(now)
    household = queries.lock_household(household_uuid)
    if household is None or not scope.covers(area_codes, household.grid_code):
        raise AppError("not_found")
    if household.merged_into is not None:
        raise AppError("merged_meanwhile")
    grid = areas.get_area(grid_code)
    if not grid.holds_households or grid.is_ended or not scope.covers(area_codes, grid.code):
        raise AppError("not_found")
    if grid.code != household.grid_code:
        _put_into(household, grid.code, actor, now, origin or Origin(actor, "desk", now))
    return household


def follow_grid(household: Household, origin: Origin) -> None:
    """Put a household whose grid has ended into the one that took its place."""
    successor = areas.find_successor(household.grid_code)
    if successor != household.grid_code:
        _put_into(household, successor, origin.actor, origin.now, origin)


def _put_into(
    household: Household, grid_code: str, actor: User | None, now: datetime, origin: Origin
) -> None:
    before = household.grid_code
    publish_household(household, gone=True)
    household.grid_code = grid_code
    db.session.execute(
        update(SearchWord)
        .where(SearchWord.grid_code == before, SearchWord.household_uuid == household.household_uuid)
        .values(grid_code=grid_code)
    )
    db.session.add(HouseholdGrid(household_uuid=household.household_uuid, grid_code=grid_code, from_at=now))
    audit.record(
        actor, "household.move", "household", household.household_uuid, at=now, before=before, after=grid_code
    )
    pair_actions.compare_later(household.people)
    _note("household", household.household_uuid, "move", {"grid_code": [before, grid_code]}, origin)
    # Another special period may hold there.
    refresh_due(household)


def merge_person(loser: Person, winner: Person, fields: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    """Let the winner, with those of MERGED_FIELDS, stand for both: the loser's row stays and says so, and nothing else does.

    Returns what changed of the winner. Raises exit_paused, reason_needed, as `change_person`.
    """
    main_class = fields.get("main_class", winner.main_class)
    for person in (loser, winner):
        _check_exit(person, main_class, origin)
    changed = _change(winner, fields, MERGED_FIELDS)
    loser.merged_into, loser.due_on = winner.person_uuid, None
    _settle_people([loser, winner])
    _note("person", winner.person_uuid, "merge", changed, origin)
    _note("person", loser.person_uuid, "merge", {}, origin)
    return changed


def part_person(loser: Person, winner: Person, fields: Mapping[str, Any], origin: Origin) -> None:
    """Undo `merge_person`: the winner has those fields, the loser is somebody again."""
    changed = _change(winner, fields, MERGED_FIELDS)
    loser.merged_into = None
    _settle_people([loser, winner])
    _note("person", winner.person_uuid, "unmerge", changed, origin)
    _note("person", loser.person_uuid, "unmerge", {}, origin)


def merge_household(
    loser: Household, winner: Household, fields: Mapping[str, Any], origin: Origin
) -> tuple[dict[str, Any], list[list[Any]]]:
    """Let the winner, with those of HOUSEHOLD_FIELDS, stand for both; the loser's people come along.

    Returns what changed of the winner, and who came along: [uuid, place before].
    """
    changed = _change(winner, fields, HOUSEHOLD_FIELDS)
    moved = [[person.person_uuid, person.position] for person in loser.people]
    last = max((person.position for person in winner.people), default=-1)
    for place, person in enumerate(list(loser.people), start=last + 1):
        _rehouse(person, winner, place, origin)
    loser.merged_into, loser.due_on = winner.household_uuid, None
    _settle_households([loser, winner])
    _note("household", winner.household_uuid, "merge", changed, origin)
    _note("household", loser.household_uuid, "merge", {}, origin)
    return changed, moved


def part_household(
    loser: Household,
    winner: Household,
    fields: Mapping[str, Any],
    moved: Iterable[tuple[Person, int]],
    origin: Origin,
) -> None:
    """Undo `merge_household`: those people go back to their places, wherever the loser's grid went."""
    changed = _change(winner, fields, HOUSEHOLD_FIELDS)
    loser.merged_into = None
    for person, place in moved:
        _rehouse(person, loser, place, origin)
    _settle_households([loser, winner])
    _note("household", winner.household_uuid, "unmerge", changed, origin)
    _note("household", loser.household_uuid, "unmerge", {}, origin)
    follow_grid(loser, origin)


def _rehouse(person: Person, household: Household, place: int, origin: Origin) -> None:
    names = [person.household.name, household.name]
    person.household, person.position = household, place
    _note("person", person.person_uuid, "change", {"household": names}, origin)


def _settle_people(people: Sequence[Person]) -> None:
    """After people were merged or parted: by what they are found, when they are due, what phones hold of them."""
    for person in people:
        _derive(person)
    _settle_households({person.household_uuid: person.household for person in people}.values())
    for person in people:
        if person.merged_into is not None:
            pair_actions.compare_later([person])
            publish(person.household.grid_code, "person", person.person_uuid, gone=True)


def _settle_households(households: Collection[Household]) -> None:
    db.session.flush()
    for household in households:
        db.session.expire(household, ["people"])
        _derive_of_household(household)
        _keep_search_words(household)
    for household in households:
        pair_actions.compare_later(household.people)
        refresh_due(household)


def set_contacts(household: Household, contacts: Mapping[str, Iterable[tuple[datetime, bool]]]) -> None:
    """Keep what follows from all contacts with people of the household that count.

    By uuid, when each was and whether it was remote; in whatever order they became known.
    """
    for person in household.people:
        if person.person_uuid in contacts:
            found = list(contacts[person.person_uuid])
            person.last_contact_at = max((at for at, _ in found), default=None)
            counted = rules.find_last_counted(
                rules.Contact(clock.local_date(at), is_remote) for at, is_remote in found
            )
            person.counted_on = counted.on if counted else None
            person.counted_remote = counted is not None and counted.is_remote
    refresh_due(household)


def set_last_visit(
    household: Household, on: date | None, carried: dict[str, Any] | None, tried_on: date | None
) -> None:
    """Keep the day of the last visit that reached somebody, the answers the next one is offered, and the last day since
    then on which somebody tried in vain.
    """
    household.last_visit_on, household.tried_on = on, tried_on
    tally_actions.count_household(household, is_gone=household.merged_into is not None)
    household.carry = {"on": on.isoformat(), "answers": carried} if on is not None else None
    publish_household(household)


def refresh_due(*households: Household) -> None:
    """Work out the due dates of households and their people again."""
    table = queries.get_due_table()
    periods = {code: period_queries.list_rules_over(code) for code in {one.grid_code for one in households}}
    for household in households:
        _set_due(household, table, periods[household.grid_code])
        publish_household(household)


def refresh_due_in(area_codes: Iterable[str], after: str = "") -> Iterator[tuple[str, int]]:
    """Work out again the due dates in those areas, grid by grid in the order of their codes, behind the grid `after`.

    Gives each grid when it is done, and in how many of its households something changed: phones are told of those only.
    Runs its own transactions, each over a few households, so that nobody who writes waits for long.
    """
    for grid in areas.list_grids(area_codes):
        if grid.code <= after:
            continue
        changed = 0
        uuids = queries.list_uuids_in(grid.code)
        for start in range(0, len(uuids), REFRESHED_AT_ONCE):
            with transaction():
                table, periods = queries.get_due_table(), period_queries.list_rules_over(grid.code)
                some = uuids[start : start + REFRESHED_AT_ONCE]
                for household in queries.lock_and_list(some, queries.FOR_DUE_DATES):
                    before = _due_state(household)
                    _set_due(household, table, periods)
                    if _due_state(household) != before:
                        publish_household(household)
                        changed += 1
        yield grid.code, changed


def _due_state(household: Household) -> list[tuple[date | None, bool]]:
    return [(person.due_on, person.remote_counts) for person in household.people]


def _set_due(household: Household, table: rules.DueTable, periods: Sequence[rules.Period]) -> None:
    """Its people's due dates and its own, and what follows for the tallies of its township."""
    for person in household.people:
        if person.risk in table.every_other:
            last_on = person.counted_on
        else:
            last_on = clock.local_date(person.last_contact_at) if person.last_contact_at else None
        due_on = rules.next_due_on(
            person.registered_on,
            last_on,
            person.died_on or person.moved_away_on,
            rules.list_intervals(
                table,
                person.risk,
                person.main_class,
                [(tag.tag, tag.from_on, tag.to_on) for tag in person.tags],
                periods,
            ),
        )
        remote_counts = not (person.risk in table.every_other and person.counted_remote)
        _set_where_other(person, due_on=due_on, remote_counts=remote_counts)
    _set_where_other(household, due_on=rules.earliest(person.due_on for person in household.people))
    tally_actions.count_household(household, is_gone=household.merged_into is not None)


def _set_where_other(row: Household | Person, **fields: Any) -> None:
    """Set fields that have another value: a row that is set to what it was is looked through at every flush."""
    for name, value in fields.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def publish_household(household: Household, *, gone: bool = False) -> None:
    """Tell the phones of its grid about a household and its people, or that they are `gone` from it.

    One for which another stands is on no phone.
    """
    is_gone = gone or household.merged_into is not None
    publish(household.grid_code, "household", household.household_uuid, gone=is_gone)
    for person in household.people:
        publish(household.grid_code, "person", person.person_uuid, gone=gone)
