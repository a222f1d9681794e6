"""Pages of who is on the list twice: the list, two entries side by side, what was merged and how it is undone.

Invariant: nothing is merged that was not seen side by side; numbers are shown masked, and where masks hide a difference the
page says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.core.bodies import is_uuid
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS, SUPERVISOR, require
from fieldapp.core.paging import read_page
from fieldapp.people import merge_rules, pair_queries, rules
from fieldapp.people.actions import state_of
from fieldapp.people.history import FIELDS, Sayer, read_lines
from fieldapp.people.models import Household, Merge, Person
from fieldapp.people.pair_queries import Pair
from fieldapp.reviews import merge_actions as actions, merge_queries as queries
from fieldapp.reviews.merge_forms import MergeForm, PairForm, UndoMergeForm
from fieldapp.reviews.merge_queries import Comparison, Entry, household_of, uuid_of
from fieldapp.reviews.visit_page import LIKENESS
from fieldapp.users import queries as users

STAYS_PREFIX = "stays-"

bp = Blueprint("merging", __name__)


@bp.get("/duplicates")
@require(*READERS)
def list_page() -> str:
    """Who could be on the list twice in the reader's areas, and what was merged lately."""
    codes, page = current_user.area_codes(), read_page()
    pairs, has_more = pair_queries.list_pairs(codes, page)
    merges = pair_queries.list_merges(codes) if page == 1 else []
    return render_template(
        "reviews/duplicates.html",
        pairs=_prepare_pairs(pairs),
        merges=[_prepare_merge(merge) for merge in merges],
        why=LIKENESS,
        can_merge=current_user.role == SUPERVISOR,
        page=page,
        has_more=has_more,
    )


@bp.get("/duplicates/ruled-out")
@require(*READERS)
def ruled_out_page() -> str:
    """Which entries in the reader's areas are said to be two different people, and by whom."""
    page = read_page()
    pairs, has_more = pair_queries.list_pairs(current_user.area_codes(), page, are_ruled_out=True)
    return render_template(
        "reviews/ruled_out.html",
        pairs=_prepare_pairs(pairs),
        why=LIKENESS,
        can_merge=current_user.role == SUPERVISOR,
        page=page,
        has_more=has_more,
    )


@bp.post("/duplicates/rule-out")
@require(SUPERVISOR)
def rule_out() -> Response:
    """Keep that two entries are two different people."""
    one, other = _read_pair()
    with transaction():
        actions.rule_out(current_user, one, other, clock.now())
    flash(gettext("Kept: two different people. They are not listed here again."))
    return redirect(url_for(".list_page"), 303)


@bp.post("/duplicates/take-back")
@require(SUPERVISOR)
def take_back() -> Response:
    """Take back that two entries are two different people."""
    one, other = _read_pair()
    with transaction():
        actions.take_back_rule_out(current_user, one, other, clock.now())
    flash(gettext("Taken back. They are listed again, if they are still alike."))
    return redirect(url_for(".list_page"), 303)


def _read_pair() -> tuple[str, str]:
    form = PairForm()
    if not (form.validate_on_submit() and is_uuid(form.one.data) and is_uuid(form.other.data)):
        raise AppError("not_found")
    return form.one.data, form.other.data


@bp.get("/duplicates/people/<uuid:person_uuid>/<uuid:other_person_uuid>")
@require(*READERS)
def people_page(person_uuid: UUID, other_person_uuid: UUID) -> str:
    """Two entries of a person side by side; the first is to stay."""
    return _show("person", person_uuid, other_person_uuid)


@bp.post("/duplicates/people/<uuid:person_uuid>/<uuid:other_person_uuid>")
@require(SUPERVISOR)
def merge_people(person_uuid: UUID, other_person_uuid: UUID) -> Any:
    """Make one of two people."""
    return _merge("person", person_uuid, other_person_uuid)


@bp.get("/duplicates/households/<uuid:household_uuid>/<uuid:other_household_uuid>")
@require(*READERS)
def households_page(household_uuid: UUID, other_household_uuid: UUID) -> str:
    """Two entries of a household side by side; the first is to stay."""
    return _show("household", household_uuid, other_household_uuid)


@bp.post("/duplicates/households/<uuid:household_uuid>/<uuid:other_household_uuid>")
@require(SUPERVISOR)
def merge_households(household_uuid: UUID, other_household_uuid: UUID) -> Any:
    """Make one of two households."""
    return _merge("household", household_uuid, other_household_uuid)


@bp.get("/merges/<int:merge_id>")
@require(*READERS)
def merge_page(merge_id: int) -> str:
    """What was merged, and how it is undone."""
    return _show_merge(merge_id, UndoMergeForm(formdata=None))


@bp.post("/merges/<int:merge_id>/undo")
@require(SUPERVISOR)
def undo_merge(merge_id: int) -> Any:
    """Part two entries again."""
    form = UndoMergeForm()
    if not form.validate_on_submit():
        return _show_merge(merge_id, form), 422
    try:
        with transaction():
            actions.undo_merge(current_user, merge_id, form.reason.data, clock.now())
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show_merge(merge_id, form, error), error.status
    flash(gettext("Parted again: both are on the list as they were."))
    return redirect(url_for(".merge_page", merge_id=merge_id), 303)


def _merge(kind: str, kept_uuid: UUID, other_uuid: UUID) -> Any:
    form = MergeForm()
    if not form.validate_on_submit():
        raise AppError("bad_request")
    taken = {
        name.removeprefix(STAYS_PREFIX)
        for name, side in request.form.items()
        if name.startswith(STAYS_PREFIX) and side == "other"
    }
    seen = (form.kept_seen.data or 0, form.other_seen.data or 0)
    try:
        with transaction():
            merge = actions.merge(
                current_user, kind, str(kept_uuid), str(other_uuid), taken, seen, clock.now()
            )
    except AppError as error:
        if error.code in {"not_found", "merged_meanwhile", "merge_same"}:
            raise
        return _show(kind, kept_uuid, other_uuid, taken, error), error.status
    flash(gettext("Merged. If that was wrong, it can be undone here."))
    return redirect(url_for(".merge_page", merge_id=merge.merge_id), 303)


def _show(
    kind: str,
    kept_uuid: UUID,
    other_uuid: UUID,
    taken: set[str] | None = None,
    error: AppError | None = None,
) -> str:
    codes = current_user.area_codes()
    kept, other = (queries.get_entry(kind, str(uuid), codes) for uuid in (kept_uuid, other_uuid))
    if kept_uuid == other_uuid:
        raise AppError("merge_same")
    compared = queries.compare(kind, kept, other)
    sayer = Sayer(current_user)
    places = _name_places((kept, other))
    homes = (household_of(kept), household_of(other))
    return render_template(
        "reviews/merge.html",
        kind=kind,
        homes=homes,
        entries=[_prepare_entry(entry, places) for entry in (kept, other)],
        rows=_prepare_rows(kind, compared, compared.taken if taken is None else taken, sayer),
        united=_prepare_united(kept, other, sayer) if kind == "person" else [],
        belongings=queries.count_belongings(other),
        along=[person.name or gettext("no name") for person in homes[1].people],
        in_two_homes=homes[0] is not homes[1],
        same_grid=homes[0].grid_code == homes[1].grid_code,
        here=_address(kind, kept, other),
        swapped=_address(kind, other, kept),
        form=MergeForm(formdata=None, kept_seen=compared.seen[0], other_seen=compared.seen[1]),
        can_merge=current_user.role == SUPERVISOR,
        error=error,
    )


def _address(kind: str, kept: Entry, other: Entry) -> str:
    """Where the first is compared with the second."""
    if kind == "household":
        return url_for(".households_page", household_uuid=uuid_of(kept), other_household_uuid=uuid_of(other))
    return url_for(".people_page", person_uuid=uuid_of(kept), other_person_uuid=uuid_of(other))


def _prepare_rows(
    kind: str, compared: Comparison, taken: set[str] | frozenset[str], sayer: Sayer
) -> list[dict[str, Any]]:
    """The choices, with the values of both in words; what neither has is left out."""
    rows = []
    for names in queries.list_choices(kind):
        states = [state_of(entry, names) for entry in (compared.kept, compared.other)]
        words = [_say(names, state, sayer) for state in states]
        if not any(words):
            continue
        rows.append(
            {
                "field": STAYS_PREFIX + names[0],
                "label": FIELDS[names[0]] if names[0] != "lat" else gettext("Place on the map"),
                "words": words,
                "is_same": states[0] == states[1],
                "looks_same": words[0] == words[1],
                "takes_other": names[0] in taken,
            }
        )
    return rows


def _say(names: Any, state: Mapping[str, Any], sayer: Sayer) -> str:
    if names[0] == "main_class" and state["main_class"] == "none":
        return ""
    if names[0] == "lat":
        return "" if state["lat"] is None else f"{state['lat']:.5f}, {state['lon']:.5f}"
    return " · ".join(
        word for name in names if name != "id_reason" and (word := sayer.say(name, state[name]))
    )


def _prepare_united(kept: Entry, other: Entry, sayer: Sayer) -> list[dict[str, str]]:
    """What stays of both, in words; what neither has is left out."""
    states = [state_of(entry, merge_rules.UNITED) for entry in (kept, other)]
    together = merge_rules.unite(*states)
    rows = [
        {"label": str(FIELDS[name]), "word": sayer.say(name, together[name])} for name in merge_rules.UNITED
    ]
    return [row for row in rows if row["word"]]


def _name_places(entries: Any) -> dict[str, str]:
    """Where each entry's household is, by grid."""
    return areas.name_places(household_of(entry).grid_code for entry in entries)


def _prepare_pairs(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Pairs as lists show them."""
    places = _name_places(entry for pair in pairs for entry in (pair.one, pair.other))
    names = users.get_display_names(pair.ruled_out_by for pair in pairs if pair.ruled_out_by is not None)
    return [
        {
            "entries": [_prepare_person(person, places) for person in (pair.one, pair.other)],
            "why": pair.why,
            "form": PairForm(formdata=None, one=pair.one.person_uuid, other=pair.other.person_uuid),
            "ruled_out_by": names.get(pair.ruled_out_by or 0, ""),
            "ruled_out_at": pair.ruled_out_at,
        }
        for pair in pairs
    ]


def _prepare_entry(entry: Entry, places: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(entry, Person):
        return _prepare_person(entry, places)
    return {
        "name": entry.name,
        "household": entry,
        "place": places[entry.grid_code],
        "people": [person.name or gettext("no name") for person in entry.people],
    }


def _prepare_person(person: Person, places: Mapping[str, str]) -> dict[str, Any]:
    household = person.household
    today = clock.local_date(clock.now())
    return {
        "name": person.name or gettext("no name"),
        "person": person,
        "household": household,
        "place": places[household.grid_code],
        "age": wording.age_on(person.birth_on, person.died_on or today),
        "id_masked": rules.mask_id(person.id_number),
        "phone_masked": rules.mask_phone(person.phone),
    }


def _prepare_merge(merge: Merge) -> dict[str, Any]:
    """A merge as lists show it."""
    winner, loser = queries.find_entries(merge)
    names = users.get_display_names(
        user_id for user_id in (merge.merged_by, merge.undone_by) if user_id is not None
    )
    return {
        "merge": merge,
        "name": winner.name or gettext("no name"),
        "other_name": loser.name or gettext("no name"),
        "who": names.get(merge.merged_by, ""),
        "undone_by": names.get(merge.undone_by or 0, ""),
    }


def prepare_merges_into(household: Household) -> list[dict[str, Any]]:
    """What was merged into a household and its people and not undone, the newest first."""
    uuids = [household.household_uuid, *(person.person_uuid for person in household.people)]
    return [_prepare_merge(merge) for merge in pair_queries.list_merges_into(uuids)]


def _show_merge(merge_id: int, form: UndoMergeForm, error: AppError | None = None) -> str:
    merge = pair_queries.get_merge(merge_id, current_user.area_codes())
    winner, loser = queries.find_entries(merge)
    sayer = Sayer(current_user)
    obstacles = queries.list_obstacles(merge) if merge.undone_at is None else []
    twins = isinstance(winner, Household) and merge.undone_at is None
    return render_template(
        "reviews/merged.html",
        **_prepare_merge(merge),
        winner=household_of(winner),
        loser=household_of(loser),
        lines=read_lines(merge.changed, sayer),
        along=[person.name or gettext("no name") for person in queries.list_moved(merge)],
        pairs=pair_queries.list_pairs_in(merge.winner_uuid) if twins else [],
        obstacles=[_say_obstacle(obstacle, merge, sayer) for obstacle in obstacles],
        form=form,
        can_undo=current_user.role == SUPERVISOR and merge.undone_at is None and not obstacles,
        error=error,
    )


def _say_obstacle(obstacle: queries.Obstacle, merge: Merge, sayer: Sayer) -> dict[str, Any]:
    """What stands against undoing, in words, and the merge that is to be undone first."""
    if obstacle.merge is not None:
        winner, loser = queries.find_entries(obstacle.merge)
        words = gettext(
            "%(name)s was merged on since, with %(other)s. Undo that first.",
            name=loser.name or gettext("no name"),
            other=winner.name or gettext("no name"),
        )
        return {"words": words, "merge_id": obstacle.merge.merge_id}
    change = obstacle.change
    names = users.get_display_names([change.actor_id]) if change and change.actor_id else {}
    words = gettext(
        "%(field)s was changed since by %(who)s (%(day)s), which undoing would lose. First set it to “%(value)s” again.",
        field=FIELDS.get(obstacle.field, obstacle.field),
        who=next(iter(names.values()), gettext("the system")),
        day=wording.say_date(clock.local_date(change.at)) if change else "",
        value=sayer.say(obstacle.field, merge.changed[obstacle.field][1]) or gettext("nothing"),
    )
    return {"words": words, "merge_id": None}


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
