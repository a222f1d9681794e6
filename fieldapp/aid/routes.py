"""Pages of aid: what is due and what was given, one entry with its life, entering it, a household's help as a whole.

Invariant: every write goes through `aid.actions`, which checks scope, relatives and state again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import format_date, gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.aid import actions, policy_routes, queries, rules
from fieldapp.aid.actions import Subject
from fieldapp.aid.forms import CENTS, FORMS, MILLI, AidForm, DayForm, GoodsForm, ServiceForm, WhyForm
from fieldapp.aid.models import Aid
from fieldapp.aid.queries import AidFilter
from fieldapp.aid.words import AID_WORDS, HANDLERS, KINDS, STATES
from fieldapp.areas import queries as areas
from fieldapp.checklists.attachments import AttachmentView, view_attachments
from fieldapp.checklists.reading import Line
from fieldapp.core import clock, scope, storage, wording
from fieldapp.core.codes import get_codes
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.forms import Form
from fieldapp.core.guard import READERS, require
from fieldapp.core.paging import read_area, read_day, read_page, read_uuid
from fieldapp.followups import queries as followups
from fieldapp.people import queries as people
from fieldapp.people.models import Household
from fieldapp.users import queries as users
from fieldapp.visits import queries as visits

bp = Blueprint("aid", __name__)


@bp.get("/aid")
@require(*READERS)
def list_page() -> str:
    """What is due, by day; or what was given, the latest first, and what it comes to."""
    codes = current_user.area_codes()
    chosen, page = _read_filter(), read_page()
    items, has_more = queries.list_aid(codes, chosen, page)
    return render_template(
        "aid/list.html",
        items=items,
        has_more=has_more,
        page=page,
        chosen=chosen,
        totals=queries.sum_aid(codes, chosen),
        areas=areas.list_choices(codes, chosen.area),
        today=clock.local_date(clock.now()),
        words=wording.get_words(*AID_WORDS),
        kinds=KINDS,
        states=STATES,
    )


@bp.get("/households/<uuid:household_uuid>/aid")
@require(*READERS)
def household_page(household_uuid: UUID) -> str:
    """All help a household and its people have received, or are to receive."""
    household = people.get_household(str(household_uuid), current_user.area_codes())
    entries = queries.list_of_household(household.household_uuid)
    person_uuid = request.args.get("person", "")
    if person_uuid:
        entries = [aid for aid in entries if aid.person_uuid == person_uuid]
    return render_template(
        "aid/household.html",
        household=household,
        entries=entries,
        names={person.person_uuid: person.name for person in household.people},
        person_uuid=person_uuid,
        cash_cents=sum(
            rules.SIGNS.get(aid.state, 0) * (aid.amount_cents or 0) for aid in entries if aid.kind == "cash"
        ),
        words=wording.get_words(*AID_WORDS),
        kinds=KINDS,
        states=STATES,
        can_enter=current_user.role in HANDLERS,
    )


@bp.get("/followups/<uuid:followup_id>/aid")
@require(*READERS)
def task_part(followup_id: UUID) -> str:
    """The part of a task's page that shows what was given for it."""
    task = followups.get_followup(str(followup_id), current_user, clock.now())
    return render_template(
        "aid/_of_task.html",
        entries=queries.list_of_task(task.followup_id),
        words=wording.get_words(*AID_WORDS),
        states=STATES,
    )


@bp.get("/aid/new")
@require(*HANDLERS)
def choose_page() -> str:
    """Which kind of aid is entered, for the household, visit or task of the address."""
    subject = _read_subject()
    return render_template("aid/choose.html", household=subject.household, kinds=KINDS, about=_about())


@bp.get("/aid/new/<kind>")
@require(*HANDLERS)
def new_page(kind: str) -> str:
    """The form for aid of that kind."""
    subject = _read_subject()
    form = _make_form(
        kind,
        subject,
        formdata=None,
        aid_uuid=str(uuid.uuid4()),
        on=clock.local_date(clock.now()),
    )
    return _show_new(kind, form, subject)


@bp.post("/aid/new/<kind>")
@require(*HANDLERS)
def enter(kind: str) -> str | tuple[str, int] | Response:
    """Enter aid; sent twice it is entered once."""
    subject = _read_subject()
    form = _make_form(kind, subject)
    if not form.validate_on_submit():
        return _show_new(kind, form, subject), 422
    person_uuid = form.person.data or None
    try:
        with transaction():
            aid = actions.enter_aid(
                current_user,
                str(UUID(form.aid_uuid.data)),
                Subject(
                    household=subject.household,
                    person_uuid=person_uuid,
                    visit_uuid=subject.visit_uuid,
                    followup_id=subject.followup_id,
                ),
                form.given,
                is_given=form.is_given.data == "yes",
                on=form.day,
                received_by=form.received_by.data or None,
                now=clock.now(),
            )
    except AppError as error:
        return _show_new(kind, form, subject, error), error.status
    flash(gettext("Entered."))
    return redirect(url_for(".aid_page", aid_uuid=aid.aid_uuid), 303)


@bp.get("/aid/<uuid:aid_uuid>")
@require(*READERS)
def aid_page(aid_uuid: UUID) -> str:
    """One entry: what, for whom, since when, what it belongs to."""
    return _show(str(aid_uuid))


@bp.post("/aid/<uuid:aid_uuid>/give")
@require(*HANDLERS)
def give(aid_uuid: UUID) -> str | tuple[str, int] | Response:
    """Note that what was due was given."""
    form = DayForm()
    return _take(
        str(aid_uuid),
        form,
        lambda: actions.give_aid(
            current_user,
            str(aid_uuid),
            on=form.on.data,
            received_by=form.received_by.data or None,
            now=clock.now(),
        ),
        gettext("Noted as given."),
        day_form=form,
    )


@bp.post("/aid/<uuid:aid_uuid>/cancel")
@require(*HANDLERS)
def cancel(aid_uuid: UUID) -> str | tuple[str, int] | Response:
    """Note that what was due will not be given."""
    form = WhyForm()
    return _take(
        str(aid_uuid),
        form,
        lambda: actions.cancel_aid(
            current_user, str(aid_uuid), reason=form.reason.data or "", now=clock.now()
        ),
        gettext("Noted: it will not be given."),
        why_form=form,
    )


@bp.post("/aid/<uuid:aid_uuid>/reverse")
@require(*HANDLERS)
def reverse(aid_uuid: UUID) -> str | tuple[str, int] | Response:
    """Take back an entry that was wrong."""
    form = WhyForm()
    return _take(
        str(aid_uuid),
        form,
        lambda: actions.reverse_aid(
            current_user, str(aid_uuid), reason=form.reason.data or "", now=clock.now()
        ),
        gettext("Taken back. Enter what is right, if anything was given."),
        why_form=form,
    )


@bp.post("/aid/<uuid:aid_uuid>/receipt")
@require(*HANDLERS)
def note_receipt(aid_uuid: UUID) -> str | tuple[str, int] | Response:
    """Note that the receipt that was missing lies in the files."""
    return _take(
        str(aid_uuid),
        Form(),
        lambda: actions.note_receipt(current_user, str(aid_uuid), now=clock.now()),
        gettext("Noted: the receipt is on file."),
    )


def _take(
    aid_uuid: str, form: Form, step: Callable[[], Aid], message: str, **forms: Any
) -> str | tuple[str, int] | Response:
    """Take a step of an entry; when it cannot be taken, show the entry with what was typed."""
    queries.get_aid(aid_uuid, current_user)
    if not form.validate_on_submit():
        return _show(aid_uuid, **forms), 422
    try:
        with transaction():
            step()
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show(aid_uuid, error=error, **forms), error.status
    flash(message)
    return redirect(url_for(".aid_page", aid_uuid=aid_uuid), 303)


def _show(
    aid_uuid: str,
    *,
    day_form: DayForm | None = None,
    why_form: WhyForm | None = None,
    error: AppError | None = None,
) -> str:
    aid = queries.get_aid(aid_uuid, current_user)
    household = people.find_registered("household", aid.household_uuid)
    may_settle = current_user.role in HANDLERS
    task = followups.find_followup(aid.followup_id, current_user, clock.now()) if aid.followup_id else None
    person = people.list_people([aid.person_uuid])[0] if aid.person_uuid else None
    receipts = _view_receipts(aid)
    return render_template(
        "aid/aid.html",
        aid=aid,
        household=household,
        person=person,
        grid_name=areas.name_places([aid.area_code]).get(aid.area_code, ""),
        task=task,
        visit=visits.find_visit(aid.visit_uuid) if aid.visit_uuid else None,
        receipts=receipts,
        # Files are seen where the aid counts; the household may live elsewhere by now.
        can_note_receipt=may_settle and aid.receipt_missing,
        can_see_receipts=scope.covers(current_user.area_codes(), aid.area_code),
        reversal=queries.find_reversal(aid_uuid) if aid.state == "reversed" else None,
        names=users.get_display_names(
            user_id for user_id in (aid.entered_by_id, aid.settled_by_id) if user_id is not None
        ),
        words=wording.get_words(*AID_WORDS, "followup_type"),
        kinds=KINDS,
        states=STATES,
        error=error,
        day_form=day_form or DayForm(formdata=None, on=clock.local_date(clock.now())),
        why_form=why_form or WhyForm(formdata=None),
        can_give=may_settle and rules.can_step("given", aid.state),
        can_cancel=may_settle and rules.can_step("cancelled", aid.state),
        # A payment of relief is taken back with its case.
        can_reverse=may_settle and aid.relief_case_id is None and rules.can_step("reversed", aid.state),
    )


def _view_receipts(aid: Aid) -> list[AttachmentView]:
    """The signatures and photos that came with what was given, under a word for each."""
    uses = storage.list_uses("aid", aid.aid_uuid, 1)
    labels = {"signature": gettext("Signature"), "photo": gettext("Photo")}
    lines = [
        Line(
            "answer",
            use.question,
            use.question,
            0,
            labels.get(use.question, ""),
            attachments=(use.sha256,),
            asked=use.question,
        )
        for use, _ in uses
    ]
    return view_attachments(uses, lines)


def _show_new(kind: str, form: AidForm, subject: Subject, error: AppError | None = None) -> str:
    return render_template(
        f"aid/new_{kind}.html",
        form=form,
        kind=kind,
        kinds=KINDS,
        household=subject.household,
        about=_about(),
        error=error,
    )


def _make_form(kind: str, subject: Subject, **filled: Any) -> AidForm:
    """The form of that kind, with what may be chosen; raises not_found for another kind."""
    if kind not in FORMS:
        raise AppError("not_found")
    form = FORMS[kind](**filled)
    words = wording.get_words(*AID_WORDS)
    fitting = {
        code
        for code, row in get_codes("aid_programme").items()
        if kind in row.extra.get("kinds", rules.KINDS)
    }
    form.offer(
        {code: word for code, word in words["aid_programme"].items() if code in fitting},
        words["aid_source"],
        [
            (person.person_uuid, person.name or gettext("no name"))
            for person in (subject.household.people if subject.household else ())
            if person.died_on is None
        ],
    )
    if isinstance(form, GoodsForm):
        units_of = {code: row.extra.get("units", {}) for code, row in get_codes("aid_goods").items()}
        form.offer_goods(words["aid_goods"], words["aid_unit"], units_of)
    elif isinstance(form, ServiceForm):
        form.offer_services(words["aid_service"])
    return form


def _about() -> dict[str, str]:
    """The part of the address that says what the aid belongs to."""
    return {name: request.args[name] for name in ("household", "visit", "followup") if request.args.get(name)}


def _read_subject() -> Subject:
    """The household, and the visit or task, that the address names; raises not_found."""
    codes = current_user.area_codes()
    visit_uuid, followup_id = read_uuid("visit"), read_uuid("followup")
    if followup_id:
        task = followups.get_followup(followup_id, current_user, clock.now())
        return Subject(
            household=_get_household(task.household_uuid, codes),
            visit_uuid=task.visit_uuid,
            followup_id=followup_id,
            person_uuid=task.person_uuid,
        )
    if visit_uuid:
        visit = visits.get_visit(visit_uuid, codes)
        return Subject(household=_get_household(visit.household_uuid, codes), visit_uuid=visit_uuid)
    return Subject(household=_get_household(read_uuid("household"), codes))


def _get_household(household_uuid: str | None, codes: list[str]) -> Household:
    if household_uuid is None:
        raise AppError("not_found")
    return people.get_household(household_uuid, codes)


def _read_filter() -> AidFilter:
    """The choice in the address; what is not one is ignored."""
    asked = request.args
    view, kind = asked.get("view", ""), asked.get("kind", "")
    without_receipt = bool(asked.get("receipt"))
    if without_receipt and view != "all":
        # What is due has no receipt yet.
        view = "given"
    programme, source = asked.get("programme", ""), asked.get("source", "")
    return AidFilter(
        view=view if view in queries.VIEWS else "due",
        kind=kind if kind in rules.KINDS else "",
        programme=programme if programme in get_codes("aid_programme") else "",
        source=source if source in get_codes("aid_source") else "",
        area=read_area(),
        from_on=read_day("from"),
        until_on=read_day("until"),
        without_receipt=without_receipt,
    )


def _say_yuan(cents: int) -> str:
    return (
        rules.write_amount(cents, CENTS, CENTS)
        if cents >= 0
        else f"-{rules.write_amount(-cents, CENTS, CENTS)}"
    )


def _say_month(month: str) -> str:
    """A month as it is stored, 2026-11, as people write it."""
    year, number = map(int, month.split("-"))
    return f"{year}年{number}月" if wording.is_chinese() else format_date(date(year, number, 1), "MMMM y")


def _say_quantity(milli: int) -> str:
    return rules.write_amount(milli, MILLI)


def init_app(app: Flask) -> None:
    """Register the pages, and how amounts are written on them."""
    app.register_blueprint(bp)
    app.register_blueprint(policy_routes.bp)
    app.jinja_env.filters.update(yuan=_say_yuan, quantity=_say_quantity, month=_say_month)
