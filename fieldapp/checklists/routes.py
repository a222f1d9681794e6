"""Pages of checklists: the registry, uploading, what a version changes, its preview, publishing and retiring.

Invariant: uploading gives phones nothing; only `actions.publish_version` does, and it checks scope again.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Flask, flash, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale, gettext, lazy_gettext
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.checklists import actions, change_words, queries, samples, version_page
from fieldapp.checklists.changes import walk_nodes
from fieldapp.checklists.compiler.problems import ChecklistRefused, Problem
from fieldapp.checklists.forms import PublishForm, RegistryForm, UploadForm
from fieldapp.checklists.models import ChecklistVersion, Registration
from fieldapp.checklists.reading import read_answers, read_problems
from fieldapp.checklists.registry import prepare_entries
from fieldapp.checklists.rules import evaluate
from fieldapp.core import clock, scope, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, require
from fieldapp.core.paging import read_page
from fieldapp.core.web import pick_text
from fieldapp.users import queries as users

PAGE = 40
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OLD_EXCEL = "application/vnd.ms-excel"
# The page in the phone's frame is the one page of the desk that another page of ours may hold.
FRAME_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
STATES = {
    "in_force": lazy_gettext("In force"),
    "later": lazy_gettext("Begins later"),
    "covered": lazy_gettext("Another version counts"),
    "ended": lazy_gettext("Ended"),
    "expired": lazy_gettext("Expired"),
    "retired": lazy_gettext("Retired"),
    "unpublished": lazy_gettext("Not published"),
}
USES = {
    "visit": lazy_gettext("Visits"),
    "followup": lazy_gettext("Follow-up results"),
    "patrol": lazy_gettext("Patrols"),
    "new_clue": lazy_gettext("New clues"),
}

bp = Blueprint("checklists", __name__)


@bp.get("/checklists")
@require(*READERS)
def list_page() -> str:
    """The registry: who answers for which checklist, why, until when, and where it is in force."""
    now = clock.now()
    codes = current_user.area_codes(now)
    page = read_page()
    registrations = queries.list_registrations(codes)
    shown = registrations[(page - 1) * PAGE : page * PAGE]
    entries = prepare_entries(shown, codes, clock.local_date(now), may_act=_may_act())
    return render_template(
        "checklists/list.html",
        entries=entries,
        page=page,
        has_more=len(registrations) > page * PAGE,
        **_words(entries),
        can_upload=_may_act() and bool(codes),
    )


@bp.get("/checklist-upload")
@require(OFFICER)
def upload_page() -> str:
    """The form for a new version of a checklist, or a new checklist."""
    return _show_upload(UploadForm(formdata=None))


@bp.post("/checklists")
@require(OFFICER)
def upload() -> str | tuple[str, int] | Response:
    """Take a workbook: refused with every reason, or stored as a version nobody is given yet."""
    form = UploadForm()
    _offer_areas(form)
    if not form.validate_on_submit():
        return _show_upload(form), 422
    filename, content, files = form.read()
    try:
        compiled = actions.compile_upload(content, files, filename)
    except ChecklistRefused as refused:
        return _show_upload(form, refused.problems, filename), 422
    with transaction():
        version, is_new = actions.store_version(
            current_user, form.area.data, filename, content, files, compiled, clock.now()
        )
        address = url_for("checklists.show_version", key=version.key, version=version.version)
        number = version.version
    if is_new:
        flash(
            gettext("Stored as version %(version)s. Phones get nothing until you publish it.", version=number)
        )
    else:
        flash(gettext("This file is here already: version %(version)s.", version=number))
    return redirect(address, 303)


@bp.get("/checklists/<key>")
@require(*READERS)
def checklist_page(key: str) -> str:
    """A checklist: its entries in the registry, publications and versions."""
    return _show_checklist(key)


@bp.post("/checklists/<key>/registry/<area_code>")
@require(OFFICER)
def register(key: str, area_code: str) -> str | tuple[str, int] | Response:
    """Write down who answers for a checklist, why, until when."""
    now = clock.now()
    registration = queries.get_registration(key, area_code, current_user.area_codes(now))
    form = RegistryForm()
    if not form.validate_on_submit():
        return _show_checklist(key, registration, form), 422
    with transaction():
        actions.register_checklist(
            current_user,
            key,
            area_code,
            owner=form.owner.data or "",
            purpose=form.purpose.data or "",
            valid_until=form.valid_until.data,
            now=now,
        )
    flash(gettext("Written down."))
    wanted = request.args.get("version")
    if wanted:
        return redirect(url_for("checklists.show_version", key=key, version=wanted), 303)
    return redirect(url_for("checklists.checklist_page", key=key), 303)


@bp.get("/checklists/<key>/<version>")
@require(*READERS)
def show_version(key: str, version: str) -> str:
    """One version: notices, what it changes, where it is in force, publishing it."""
    return _show_version(_get_version(key, version))


@bp.post("/checklists/<key>/<version>/publish")
@require(OFFICER)
def publish(key: str, version: str) -> str | tuple[str, int] | Response:
    """Put a version in force in the areas chosen."""
    found = _get_version(key, version)
    form = PublishForm()
    form.areas.choices = [(code, name) for code, name, _ in _list_places(found).choices]
    if not form.validate_on_submit():
        return _show_version(found, form), 422
    try:
        with transaction():
            made = actions.publish_version(
                current_user,
                key,
                version,
                form.areas.data,
                from_on=form.from_on.data,
                until_on=form.until_on.data,
                now=clock.now(),
            )
    except AppError as error:
        if error.code != "registry_needed":
            raise
        return _show_version(_get_version(key, version), form, error=error), error.status
    if made:
        flash(gettext("Published. Phones there get it at their next sync."))
    else:
        flash(gettext("It was published there already, for the same days."))
    return redirect(url_for("checklists.checklist_page", key=key), 303)


@bp.post("/checklist-publications/<int:publication_id>/retire")
@require(OFFICER)
def retire(publication_id: int) -> Response:
    """Take a version out of force where it was published."""
    with transaction():
        publication = actions.retire_publication(current_user, publication_id, clock.now())
        key = publication.key
    flash(gettext("Retired. Visits already begun with it can still be handed in."))
    return redirect(url_for("checklists.checklist_page", key=key), 303)


@bp.post("/checklists/<key>/<version>/delete")
@require(OFFICER)
def delete(key: str, version: str) -> Response:
    """Delete a version that was never published."""
    with transaction():
        actions.delete_version(current_user, key, version, clock.now())
    flash(gettext("Version %(version)s is deleted.", version=version))
    return redirect(url_for("checklists.list_page"), 303)


@bp.get("/checklists/<key>/<version>/workbook")
@require(*READERS)
def download_workbook(key: str, version: str) -> Response:
    """The workbook as it was uploaded, under a name that says what it is."""
    found = _get_version(key, version)
    # An .xlsx is a ZIP archive; what else was accepted is an .xls.
    ending, media_type = (".xlsx", EXCEL) if found.workbook.startswith(b"PK") else (".xls", OLD_EXCEL)
    return _download(found, f"{key}-{version}{ending}", found.workbook, media_type)


@bp.get("/checklists/<key>/<version>/files/<filename>")
@require(*READERS)
def download_file(key: str, version: str, filename: str) -> Response:
    """A CSV file as it was uploaded with the workbook."""
    found = _get_version(key, version)
    file = next((file for file in found.files if file.name == filename), None)
    if file is None:
        raise AppError("not_found")
    return _download(found, file.name, file.content, "text/csv")


@bp.get("/checklists/<key>/<version>/preview")
@require(*READERS)
def preview_page(key: str, version: str) -> str:
    """The version in a phone's frame, to be filled in as a worker would."""
    found = _get_version(key, version)
    return render_template(
        "checklists/preview.html",
        version=found,
        title=pick_text(found.document["title"]),
        words=wording.get_words("class", "tag"),
        most_people=samples.MOST_PEOPLE,
    )


@bp.get("/checklists/<key>/<version>/frame")
@require(*READERS)
def frame(key: str, version: str) -> Response:
    """The page within the phone's frame."""
    found = _get_version(key, version)
    page = Response(
        render_template(
            "checklists/frame.html",
            version=found,
            title=pick_text(found.document["title"]),
            sample=_read_sample(request.args),
        ),
        mimetype="text/html",
    )
    page.headers["Content-Security-Policy"] = FRAME_POLICY
    return page


@bp.get("/checklists/<key>/<version>/document")
@require(*READERS)
def document(key: str, version: str) -> dict[str, Any]:
    """The compiled document and the invented household it is tried with."""
    return {"document": _get_version(key, version).document, "context": _sample_context(request.args)}


@bp.post("/checklists/<key>/<version>/read")
@require(*READERS)
def read(key: str, version: str) -> str:
    """Answers tried in the preview, as the desk would read them; nothing is stored."""
    found = _get_version(key, version)
    try:
        answers = json.loads(request.form.get("answers", ""))
    except (ValueError, RecursionError):
        raise AppError("bad_request") from None
    # The query of the frame the answers were given in.
    context = _sample_context(MultiDict(parse_qsl(request.form.get("sample", "").lstrip("?"))))
    verdict = evaluate(found.document, answers, context)
    severities = {flag["question"]: flag["severity"] for flag in verdict.flags}
    people = [(person["person_uuid"], person["name"]) for person in context["people"]]
    lines = read_answers(found.document, verdict.answers, people, severities)
    page = render_template(
        "checklists/_reading.html",
        lines=lines,
        flags=verdict.flags,
        problems=read_problems(verdict.problems, _labels_of(found.document, verdict.problems)),
        words=wording.get_words("severity", "followup_type"),
    )
    # Half an emoji, cut by a keyboard, has no UTF-8.
    return page.encode("utf-8", "replace").decode()


# --- what the pages show -------------------------------------------------------------------------------------------


def _may_act() -> bool:
    return bool(current_user.role == OFFICER)


def _get_version(key: str, version: str) -> ChecklistVersion:
    return queries.get_visible_version(key, version, current_user.area_codes())


def _show_upload(form: UploadForm, problems: list[Problem] | None = None, filename: str = "") -> str:
    _offer_areas(form)
    return render_template("checklists/upload.html", form=form, problems=problems, filename=filename)


def _offer_areas(form: UploadForm) -> None:
    """The officer's own areas, and those directly below."""
    codes = current_user.area_codes()
    names = areas.get_names(codes)
    below = [area for area in areas.list_children(codes) if area.code not in codes]
    form.area.choices = [(code, names.get(code, code)) for code in codes]
    form.area.choices += [(area.code, area.name) for area in below]


def _show_checklist(
    key: str, registration: Registration | None = None, form: RegistryForm | None = None
) -> str:
    now = clock.now()
    codes = current_user.area_codes(now)
    entries = prepare_entries(
        queries.list_registrations(codes, key), codes, clock.local_date(now), may_act=_may_act()
    )
    if not entries:
        raise AppError("not_found")
    entries.sort(key=lambda entry: -len(entry.registration.area_code))
    return render_template(
        "checklists/checklist.html",
        key=key,
        title=pick_text(entries[0].latest.document["title"]),
        entries=entries,
        forms={
            entry.registration.area_code: form
            if form is not None and registration is entry.registration
            else _registry_form(entry.registration)
            for entry in entries
        },
        can_upload=_may_act() and bool(codes),
        **_words(entries),
    )


def _registry_form(registration: Registration) -> RegistryForm:
    return RegistryForm(
        formdata=None,
        owner=registration.owner,
        purpose=registration.purpose,
        valid_until=registration.valid_until,
    )


def _words(entries: list[Any]) -> dict[str, Any]:
    """Names of the areas and people the entries speak of, and the words for their states."""
    codes = {entry.registration.area_code for entry in entries} | {
        standing.publication.area_code for entry in entries for standing in entry.standings
    }
    makers = {version.created_by_id for entry in entries for version in entry.versions}
    return {
        "area_names": areas.get_names(codes),
        "states": STATES,
        "uses": USES,
        "makers": users.get_display_names(id_ for id_ in makers if id_),
    }


def _show_version(
    version: ChecklistVersion, form: PublishForm | None = None, error: AppError | None = None
) -> str:
    now = clock.now()
    codes = current_user.area_codes(now)
    registration = queries.get_registration(version.key, version.area_code, codes)
    others = queries.list_versions(codes, [version.key])
    against = version_page.find_against(version, others, request.args.get("against"))
    publications = version_page.list_shown_publications(version, codes)
    places = _list_places(version)
    if form is None:
        form = PublishForm(formdata=None, from_on=clock.local_date(now), areas=[])
    return render_template(
        "checklists/version.html",
        version=version,
        title=pick_text(version.document["title"]),
        registration=registration,
        registry_values=_registry_form(registration),
        others=[other for other in others if other.version != version.version],
        against=against,
        changes=version_page.compare(against, version) if against else None,
        area_names=areas.get_names(
            {other.area_code for other in others} | {item.area_code for item in publications}
        ),
        maker=users.get_display_names([version.created_by_id] if version.created_by_id else []).get(
            version.created_by_id or 0
        ),
        form=form,
        error=error,
        publications=publications,
        places=places,
        can_publish=_may_act() and bool(places.within),
        can_register=_may_act() and scope.covers(codes, version.area_code),
        can_delete=_may_act() and scope.covers(codes, version.area_code) and not version.publications,
        change_words=change_words,
        label_of=version_page.label_of,
    )


def _list_places(version: ChecklistVersion) -> version_page.Places:
    return version_page.list_places(version, current_user.area_codes(), request.args.get("within", ""))


def _labels_of(document: Any, problems: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What the questions of those problems are called, answered or not."""
    nodes = {place.path: place.node for place in walk_nodes(document)}
    paths = {problem["path"]: re.sub(r"\[\d+\]", "", problem["path"]) for problem in problems}
    return {path: version_page.label_of(nodes[plain]) for path, plain in paths.items() if plain in nodes}


def _read_sample(chosen: MultiDict[str, str]) -> dict[str, Any]:
    """The household the previewer chose, as a query for the next address."""
    return {
        "people": chosen.get("people", 2, type=int),
        "class": chosen.get("class", "dibao_rural")[:40],
        "tag": chosen.getlist("tag")[:20],
        "lang": str(get_locale()),
    }


def _sample_context(chosen: MultiDict[str, str]) -> dict[str, Any]:
    sample = _read_sample(chosen)
    today = clock.local_date(clock.now())
    return samples.make_context(sample["people"], sample["class"], sample["tag"], today, sample["lang"])


def _download(version: ChecklistVersion, filename: str, content: bytes, media_type: str) -> Response:
    with transaction():
        actions.record_download(current_user, version, filename, clock.now())
    return send_file(io.BytesIO(content), mimetype=media_type, as_attachment=True, download_name=filename)


def init_app(app: Flask) -> None:
    """The pages here."""
    app.register_blueprint(bp)
