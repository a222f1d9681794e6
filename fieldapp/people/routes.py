"""Pages of the people on the list at the desk: adding and editing, death and moving away, history, numbers in full.

Invariant: every write goes through `people.editing` or `people.actions`; pages show numbers masked, but the one asked for.
"""

from __future__ import annotations

import uuid
from uuid import UUID

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.core.codes import get_codes
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS, SUPERVISOR, require
from fieldapp.core.paging import read_page
from fieldapp.people import (
    editing,
    numbers,
    period_routes,
    queries,
    relatives_routes,
    rules,
    search_routes,
)
from fieldapp.people.actions import state_of
from fieldapp.people.editing import ChangedMeanwhile, Edited
from fieldapp.people.forms import (
    DeathForm,
    EditForm,
    HouseholdForm,
    MovingForm,
    NewHouseholdForm,
    PersonForm,
    RevealForm,
    UndoForm,
)
from fieldapp.people.history import FIELDS, Sayer, read_history
from fieldapp.people.models import Carer, Household, Person, PersonTag, RegistryChange
from fieldapp.people.tags import get_hidden_tags, list_choosable
from fieldapp.users import queries as users

bp = Blueprint("people", __name__)


@bp.get("/people")
@require(*READERS)
def people_page() -> str:
    """Where the people on the list are found."""
    return render_template("people/people.html")


@bp.get("/people/new-household")
@require(SUPERVISOR)
def new_household_page() -> str:
    """The form of a household that is to be on the list."""
    form = NewHouseholdForm(formdata=None, datum="WGS84", seen=0)
    return _show_new_household(form)


@bp.post("/people/new-household")
@require(SUPERVISOR)
def add_household() -> str | tuple[str, int] | Response:
    """Put a household on the list; its first person comes next."""
    form = NewHouseholdForm()
    form.grid.choices = _list_grids()
    if not form.validate_on_submit():
        return _show_new_household(form), 422
    household = Household(
        household_uuid=str(uuid.uuid4()), grid_code=form.grid.data, people=[], **form.wanted()
    )
    with transaction():
        editing.add_household(current_user, household, clock.now())
    flash(gettext("%(name)s is on the list. Now add who lives there.", name=household.name))
    return redirect(url_for(".new_person_page", household_uuid=household.household_uuid), 303)


@bp.get("/households/<uuid:household_uuid>/edit")
@require(SUPERVISOR)
def edit_household_page(household_uuid: UUID) -> str:
    """The form of a household that is on the list."""
    household = queries.get_household(str(household_uuid), current_user.area_codes())
    return _show_household(household, HouseholdForm.of(household, queries.last_change(str(household_uuid))))


@bp.post("/households/<uuid:household_uuid>/edit")
@require(SUPERVISOR)
def edit_household(household_uuid: UUID) -> str | tuple[str, int] | Response:
    """Keep what was changed of a household; where somebody else changed the same meanwhile, ask again."""
    household = queries.get_household(str(household_uuid), current_user.area_codes())
    form = HouseholdForm()
    if not form.validate_on_submit():
        return _show_household(household, form), 422
    try:
        with transaction():
            edited = editing.edit_household(
                current_user,
                str(household_uuid),
                form.seen.data or 0,
                form.wanted(),
                clock.now(),
                form.reason.data or None,
            )
    except ChangedMeanwhile as clash:
        household = queries.get_household(str(household_uuid), current_user.area_codes())
        fresh = HouseholdForm.of(household, clash.seen)
        return _show_household(household, form, _merge(form, fresh, clash, household)), 409
    return _back_to(household_uuid, edited)


@bp.get("/households/<uuid:household_uuid>/people/new")
@require(SUPERVISOR)
def new_person_page(household_uuid: UUID) -> str:
    """The form of somebody who is to be on the list."""
    household = queries.get_household(str(household_uuid), current_user.area_codes())
    first = {"name": household.name} if not household.people else {}
    form = PersonForm(
        formdata=None,
        seen=0,
        main_class="none",
        risk="low",
        tags=[
            {"code": code} for code in list_choosable(get_hidden_tags(current_user), [], household.grid_code)
        ],
        **first,
    )
    return _show_person(household, None, form)


@bp.post("/households/<uuid:household_uuid>/people/new")
@require(SUPERVISOR)
def add_person(household_uuid: UUID) -> str | tuple[str, int] | Response:
    """Put somebody on the list."""
    household = queries.get_household(str(household_uuid), current_user.area_codes())
    form = PersonForm()
    person_uuid = str(uuid.uuid4())
    form.offer(_offered(None), person_uuid)
    if not form.validate_on_submit():
        return _show_person(household, None, form), 422
    wanted = form.wanted(person_uuid)
    person = Person(
        person_uuid=person_uuid,
        tags=[PersonTag(tag=tag, from_on=from_on, to_on=to_on) for tag, from_on, to_on in wanted.pop("tags")],
        carers=[Carer(**carer) for carer in wanted.pop("carers")],
        **wanted,
    )
    with transaction():
        editing.add_person(current_user, str(household_uuid), person, clock.now(), form.reason.data or None)
    flash(gettext("%(name)s is on the list.", name=person.name or gettext("Somebody without a name")))
    return _back_to(household_uuid)


@bp.get("/people/<uuid:person_uuid>/edit")
@require(SUPERVISOR)
def edit_person_page(person_uuid: UUID) -> str:
    """The form of somebody who is on the list."""
    person = queries.get_person(str(person_uuid), current_user.area_codes())
    return _show_person(person.household, person, _fill_in(person, queries.last_change(person.person_uuid)))


@bp.post("/people/<uuid:person_uuid>/edit")
@require(SUPERVISOR)
def edit_person(person_uuid: UUID) -> str | tuple[str, int] | Response:
    """Keep what was changed of a person; where somebody else changed the same meanwhile, ask again."""
    person = queries.get_person(str(person_uuid), current_user.area_codes())
    form = PersonForm()
    form.kept_id = person.id_number
    form.offer(_offered(person), person.person_uuid)
    if not form.validate_on_submit():
        return _show_person(person.household, person, form), 422
    hidden = get_hidden_tags(current_user)
    kept_tags = [(tag.tag, tag.from_on, tag.to_on) for tag in person.tags if tag.tag in hidden]
    try:
        with transaction():
            edited = editing.edit_person(
                current_user,
                person.person_uuid,
                form.seen.data or 0,
                form.wanted(person.person_uuid, kept_tags),
                clock.now(),
                form.reason.data or None,
                overrides_pause=form.overrides_pause.data,
            )
    except AppError as error:
        if error.code == "not_found":
            raise
        # Leaving dibao is paused, or that is overridden without saying why.
        wrong = form.reason if error.code == "reason_needed" else form.main_class
        wrong.errors = [error.message]
        person = queries.get_person(str(person_uuid), current_user.area_codes())
        return _show_person(person.household, person, form), error.status
    except ChangedMeanwhile as clash:
        person = queries.get_person(str(person_uuid), current_user.area_codes())
        clashes = _merge(form, _fill_in(person, clash.seen), clash, person)
        return _show_person(person.household, person, form, clashes), 409
    return _back_to(UUID(person.household_uuid), edited)


@bp.get("/people/<uuid:person_uuid>/leaving")
@require(SUPERVISOR)
def leaving_page(person_uuid: UUID) -> str:
    """Where a death or a moving away is recorded, or taken back."""
    return _show_leaving(str(person_uuid))


@bp.post("/people/<uuid:person_uuid>/death")
@require(SUPERVISOR)
def record_death(person_uuid: UUID) -> str | tuple[str, int] | Response:
    """Keep the day somebody died."""
    person = queries.get_person(str(person_uuid), current_user.area_codes())
    form = DeathForm()
    if not form.validate_on_submit():
        return _show_leaving(person.person_uuid, death=form), 422
    with transaction():
        editing.record_death(
            current_user, person.person_uuid, form.died_on.data, clock.now(), form.reason.data or None
        )
    flash(gettext("Recorded. Nobody is asked to visit %(name)s any more.", name=person.name))
    return _back_to(UUID(person.household_uuid))


@bp.post("/people/<uuid:person_uuid>/moving-away")
@require(SUPERVISOR)
def record_moving_away(person_uuid: UUID) -> str | tuple[str, int] | Response:
    """Keep since when somebody lives elsewhere."""
    person = queries.get_person(str(person_uuid), current_user.area_codes())
    form = MovingForm()
    if not form.validate_on_submit():
        return _show_leaving(person.person_uuid, moving=form), 422
    with transaction():
        editing.record_moving_away(
            current_user,
            person.person_uuid,
            form.moved_away_on.data,
            form.moved_away_to.data or None,
            clock.now(),
        )
    flash(gettext("Recorded. Nobody is asked to visit %(name)s any more.", name=person.name))
    return _back_to(UUID(person.household_uuid))


@bp.post("/people/<uuid:person_uuid>/back")
@require(SUPERVISOR)
def undo_leaving(person_uuid: UUID) -> str | tuple[str, int] | Response:
    """Take back a death or a moving away that was recorded by mistake."""
    person = queries.get_person(str(person_uuid), current_user.area_codes())
    form = UndoForm()
    if not form.validate_on_submit():
        return _show_leaving(person.person_uuid, undo=form), 422
    with transaction():
        editing.undo_leaving(current_user, person.person_uuid, clock.now(), form.reason.data)
    flash(gettext("%(name)s is visited again.", name=person.name))
    return _back_to(UUID(person.household_uuid))


@bp.get("/households/<uuid:household_uuid>/history")
@require(*READERS)
def history_page(household_uuid: UUID) -> str:
    """The changes of a household and its people, the newest first."""
    household = queries.get_household(str(household_uuid), current_user.area_codes())
    same = queries.list_same(household.household_uuid)
    uuids = [person.person_uuid for person in household.people] + queries.list_merged_people(
        household.household_uuid
    )
    names = {person.person_uuid: person.name or gettext("no name") for person in queries.list_people(uuids)}
    page = read_page()
    changes, has_more = queries.list_history([*same, *names], page)
    return render_template(
        "people/history.html",
        household=household,
        names=names,
        entries=read_history(changes, current_user),
        page=page,
        has_more=has_more,
    )


@bp.get("/households/<uuid:household_uuid>/numbers")
@require(*READERS)
def numbers_page(household_uuid: UUID) -> str:
    """Where a number is asked for in full."""
    household = queries.get_household(str(household_uuid), current_user.area_codes())
    return _show_numbers(household, RevealForm(formdata=None, number=request.args.get("number", "")))


@bp.post("/households/<uuid:household_uuid>/numbers")
@require(*READERS)
def reveal_number(household_uuid: UUID) -> str | tuple[str, int]:
    """Show a number in full, this once."""
    household = queries.get_household(str(household_uuid), current_user.area_codes())
    form = RevealForm()
    form.number.choices = _list_numbers(household)
    if not form.validate_on_submit():
        return _show_numbers(household, form), 422
    with transaction():
        number = numbers.reveal_number(
            current_user, household.household_uuid, form.number.data, form.reason.data, clock.now()
        )
    return render_template(
        "people/number.html",
        household=household,
        number=number,
        label=_say_number(number),
        reason=form.reason.data,
    )


def _show_new_household(form: NewHouseholdForm) -> str:
    form.grid.choices = _list_grids()
    return render_template(
        "people/household_form.html", form=form, household=None, clashes={}, phone_masked=None
    )


def _show_household(household: Household, form: HouseholdForm, clashes: dict[str, str] | None = None) -> str:
    return render_template(
        "people/household_form.html",
        form=form,
        household=household,
        phone_masked=rules.mask_phone(household.phone),
        clashes=clashes or {},
    )


def _show_person(
    household: Household, person: Person | None, form: PersonForm, clashes: dict[str, str] | None = None
) -> str:
    words = _offered(person)
    form.offer(words, person.person_uuid if person else "")
    return render_template(
        "people/person_form.html",
        form=form,
        household=household,
        person=person,
        masked=_mask(person) if person else {},
        asks_override=bool(form.main_class.errors or form.overrides_pause.data),
        asks_id_reason=bool(form.doubts or form.id_reason.data),
        tag_words=words["tag"],
        clashes=clashes or {},
    )


def _fill_in(person: Person, seen: int) -> PersonForm:
    held = [tag.tag for tag in person.tags]
    hidden = get_hidden_tags(current_user)
    return PersonForm.of(person, seen, list_choosable(hidden, held, person.household.grid_code))


def _show_leaving(
    person_uuid: str,
    *,
    death: DeathForm | None = None,
    moving: MovingForm | None = None,
    undo: UndoForm | None = None,
) -> str:
    person = queries.get_person(person_uuid, current_user.area_codes())
    today = clock.local_date(clock.now())
    return render_template(
        "people/leaving.html",
        person=person,
        household=person.household,
        death=death or DeathForm(formdata=None, died_on=today),
        moving=moving or MovingForm(formdata=None, moved_away_on=today),
        undo=undo or UndoForm(formdata=None),
    )


def _show_numbers(household: Household, form: RevealForm) -> str:
    form.number.choices = _list_numbers(household)
    return render_template("people/numbers.html", household=household, form=form)


def _list_numbers(household: Household) -> list[tuple[str, str]]:
    return [(one.key, f"{_say_number(one)} {one.masked}") for one in numbers.list_numbers(household)]


def _say_number(number: numbers.Number) -> str:
    """Whose number it is, and which one."""
    what = {
        "id_number": gettext("ID number"),
        "bank_account": gettext("Account number"),
    }.get(number.what, gettext("Phone"))
    if number.carer:
        return f"{number.carer.name} · {what}"
    name = number.person.name or gettext("no name") if number.person else gettext("Household")
    return f"{name} · {what}"


def _merge(
    form: EditForm, fresh: EditForm, clash: ChangedMeanwhile, row: Household | Person
) -> dict[str, str]:
    """Bring the form up to what is there now but for what its editor changed; returns the words on each clash."""
    typed = {"csrf_token", "reason", *clash.mine, *(f"{name}_gone" for name in clash.mine)}
    for field in form:
        if field.name in fresh and field.name not in typed:
            field.process(None, fresh[field.name].data)
            field.raw_data = None
    sayer = Sayer(current_user)
    there = state_of(row, clash.fields)
    names = users.get_display_names(
        change.actor_id for change in clash.fields.values() if change.actor_id is not None
    )
    words = {}
    for name, change in clash.fields.items():
        words[name] = gettext(
            "%(who)s changed this at %(time)s, while you were here, to: %(value)s. What you typed is still in the field: "
            "save again to put it in place of theirs.",
            who=names.get(change.actor_id or 0, "") or gettext("the system"),
            time=wording.say_time(change.at),
            value=sayer.say(name, there[name]) or gettext("nothing"),
        )
        form[name].errors = [words[name]]
    return words


def _back_to(household_uuid: UUID, edited: Edited | None = None) -> Response:
    if edited is not None:
        flash(gettext("Saved.") if edited.changed else gettext("Nothing was changed."))
        if edited.meanwhile:
            flash(_say_meanwhile(edited.meanwhile))
    return redirect(url_for("reviews.household_page", household_uuid=household_uuid), 303)


def _say_meanwhile(changes: dict[str, RegistryChange]) -> str:
    names = users.get_display_names(c.actor_id for c in changes.values() if c.actor_id is not None)
    told = (
        f"{FIELDS.get(name, name)} ({names.get(change.actor_id or 0, '') or gettext('the system')})"
        for name, change in changes.items()
    )
    return gettext("Meanwhile others changed: %(fields)s. Both are kept.", fields=gettext(", ").join(told))


def _mask(person: Person) -> dict[str, str]:
    return {
        what: mask(getattr(person, what)) or ""
        for what, mask in numbers.MASKS.items()
        if what != "carer_phone"
    }


def _list_grids() -> list[tuple[str, str]]:
    """The grids of the reader's areas."""
    grids = areas.list_grids(current_user.area_codes())
    return [("", gettext("Choose…")), *areas.name_grids(grids)]


def _offered(person: Person | None) -> dict[str, dict[str, str]]:
    """The words of the code tables without those retired ones that the person does not hold."""
    held = {person.main_class, person.risk, *person.causes} if person else set()
    held |= {row.role for row in person.carers} if person else set()
    today = clock.local_date(clock.now())
    tables = ("class", "risk", "cause", "carer_role")
    words = wording.get_words(*tables, "tag")
    for table in tables:
        for code, row in get_codes(table).items():
            if row.retired_on is not None and row.retired_on <= today and code not in held:
                del words[table][code]
    return words


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    search_routes.init_app(app)
    period_routes.init_app(app)
    relatives_routes.init_app(app)
