"""Pages of accounts: signing in and out, the reader's language, the administrator's accounts, the workers' phones.

Invariant: no page says when an account was last used, or how often (DOMAIN, burden rules).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext, refresh
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, scope, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import ADMIN, OFFICER, READERS, SECURITY, SUPERVISOR, WORKER, public, require
from fieldapp.core.paging import read_page
from fieldapp.core.web import LANGUAGE_COOKIE, LANGUAGES, limiter
from fieldapp.users import actions, browser_session, deputies, deputy_routes, queries
from fieldapp.users.forms import RevokeForm, SignInForm
from fieldapp.users.models import User

LANGUAGE_DAYS = 365

bp = Blueprint("users", __name__)


@bp.get("/sign-in")
@public
def sign_in_page() -> str | Response:
    """The sign-in page; who is signed in goes on."""
    if current_user.is_authenticated:
        return redirect(_inside(request.args.get("next")) or url_for("overview.home"))
    return _show_sign_in(SignInForm(formdata=None, next=request.args.get("next", "")))


@bp.post("/sign-in")
@public
@limiter.limit("20 per minute", key_func=lambda: request.form.get("username", "").casefold()[:80])
def sign_in() -> str | tuple[str, int] | Response:
    """Sign in, then on to the page that was asked for."""
    form = SignInForm()
    if not form.validate_on_submit():
        return _show_sign_in(form), 422
    try:
        user = browser_session.start(form.username.data, form.password.data, face="desk").user
    except AppError as error:
        return _show_sign_in(form, error.message), error.status
    wanted = _inside(form.next.data) if user.role != WORKER else None
    return redirect(wanted or url_for("overview.home"), 303)


@bp.post("/sign-out")
@public
def sign_out() -> Response:
    """End the session; harmless when there is none."""
    browser_session.end()
    flash(gettext("You are signed out."))
    return redirect(url_for("users.sign_in_page"), 303)


@bp.post("/language")
@public
def choose_language() -> Response:
    """Keep the reader's language in the browser and, when signed in, with the account."""
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        abort(400)
    if current_user.is_authenticated:
        with transaction():
            actions.set_language(queries.get_user(current_user.id), language)
    response = redirect(_inside(request.form.get("next")) or url_for("overview.home"), 303)
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=LANGUAGE_DAYS * 24 * 3600,
        samesite="Lax",
        httponly=True,
        secure=request.is_secure,
    )
    refresh()
    return response


@bp.get("/accounts")
@require(ADMIN)
def accounts_page() -> str:
    """All accounts with their role and areas."""
    users = queries.list_users()
    now = clock.now()
    settings = current_app.config["FIELDAPP"]
    locked = queries.list_locked_names(
        {user.username for user in users},
        now,
        settings.sign_in_failures,
        settings.sign_in_lock_minutes,
    )
    codes = {user.id: _areas_of(user, now) for user in users}
    names = areas.get_names(code for held in codes.values() for code in held)
    rows = [
        {
            "user": user,
            "role": wording.ROLES[user.role],
            "areas": [names.get(code, code) for code in codes[user.id]],
            "is_locked": user.username in locked,
            "can_end": user.is_active and user.id != current_user.id,
        }
        for user in users
    ]
    return render_template("users/accounts.html", rows=rows)


@bp.post("/accounts/<int:user_id>/sign-out")
@require(ADMIN)
def end_sessions(user_id: int) -> Response:
    """Sign an account out on every device."""
    with transaction():
        actions.end_sessions(current_user, user_id, clock.now())
    return _back_to_accounts(gettext("Signed out on every device."))


@bp.post("/accounts/<int:user_id>/unlock")
@require(ADMIN)
def unlock_account(user_id: int) -> Response:
    """Let an account try its password again at once."""
    with transaction():
        actions.unlock_account(current_user, user_id, clock.now())
    return _back_to_accounts(gettext("Unlocked. The account can sign in again now."))


@bp.post("/accounts/<int:user_id>/end")
@require(ADMIN)
def end_account(user_id: int) -> Response:
    """End an account for good."""
    with transaction():
        actions.end_account(current_user, user_id, clock.now())
    return _back_to_accounts(gettext("The account is ended. What it recorded stays."))


@bp.get("/accounts/<int:user_id>")
@require(ADMIN)
def account_page(user_id: int) -> str:
    """The areas of an account, and a way through the tree of areas to another one."""
    user = queries.get_user(user_id)
    held = _areas_of(user, clock.now())
    code = request.args.get("code", "").strip()
    found = areas.find_area(code)
    # Without a code, what lies beside the account's first area: most changes stay in one village or township.
    near = found or next((area for held_code in held for area in areas.list_path(held_code)[-2:-1]), None)
    return render_template(
        "users/account.html",
        user=user,
        role=wording.ROLES[user.role],
        reads_records=user.role in READERS,
        held=[{"code": item, "path": areas.list_path(item)} for item in held],
        code=code,
        found=found,
        is_held=found is not None and scope.covers(held, found.code),
        path=areas.list_path(near.code) if near else [],
        parts=areas.list_children([near.code]) if near else areas.list_roots(),
    )


@bp.post("/accounts/<int:user_id>/grant-area")
@require(ADMIN)
def grant_area(user_id: int) -> Response:
    """Give an account one more area."""
    with transaction():
        actions.grant_area(current_user, user_id, request.form.get("code", ""), clock.now())
    return _back_to_account(user_id, gettext("Added. A worker's phone gets it with its next sync."))


@bp.post("/accounts/<int:user_id>/withdraw-area")
@require(ADMIN)
def withdraw_area(user_id: int) -> Response:
    """Take an area from an account."""
    with transaction():
        actions.withdraw_area(current_user, user_id, request.form.get("code", ""), clock.now())
    return _back_to_account(user_id, gettext("Ended. Visits made until now are still accepted."))


@bp.post("/accounts/<int:user_id>/restricted-tags")
@require(ADMIN)
def allow_restricted_tags(user_id: int) -> Response:
    """Let an account read restricted tags by their names, or no longer."""
    allowed = bool(request.form.get("allowed"))
    with transaction():
        actions.allow_restricted_tags(current_user, user_id, allowed, clock.now())
    return _back_to_account(
        user_id,
        gettext("Restricted tags are shown by name.")
        if allowed
        else gettext("Restricted tags are no longer shown by name."),
    )


@bp.get("/phones")
@require(SUPERVISOR, SECURITY)
def phones_page() -> str:
    """The phones of the workers in the reader's areas; for the security administrator, of all."""
    return _show_phones(RevokeForm(formdata=None))


@bp.post("/phones/<int:user_id>/pin-code")
@require(SUPERVISOR)
def make_pin_code(user_id: int) -> str:
    """Make a worker's reset code, and show it this once."""
    with transaction():
        code, ends_at = actions.make_pin_code(current_user, user_id, clock.now())
    return render_template(
        "users/pin_code.html",
        name=queries.get_user(user_id).display_name,
        code=f"{code[:4]} {code[4:]}",
        ends_at=ends_at,
    )


@bp.post("/phones/<int:user_id>/<uuid:device_uuid>/revoke")
@require(SECURITY)
def revoke_device(user_id: int, device_uuid: UUID) -> str | tuple[str, int] | Response:
    """Let a phone do no more than hand in."""
    form = RevokeForm()
    if not form.validate_on_submit():
        return _show_phones(form, wrong_at=(user_id, str(device_uuid))), 422
    with transaction():
        actions.revoke_device(current_user, user_id, str(device_uuid), form.reason.data, clock.now())
    flash(gettext("Revoked. The phone can only hand in what it still holds."))
    return redirect(url_for("users.phones_page", **_chosen_phones()), 303)


def _areas_of(user: User, now: datetime) -> list[str]:
    """The area codes an account has; of an ended one those it had."""
    return user.area_codes(now) if user.is_active else user.last_area_codes(now)


def _back_to_accounts(message: str) -> Response:
    flash(message)
    return redirect(url_for("users.accounts_page"), 303)


def _back_to_account(user_id: int, message: str) -> Response:
    flash(message)
    return redirect(url_for("users.account_page", user_id=user_id), 303)


def _chosen_phones() -> dict[str, Any]:
    """The part of an address that repeats which phones are listed."""
    words = request.args.get("words", "").replace("\0", "").strip()
    return {
        name: value for name, value in {"words": words, "page": read_page()}.items() if value not in {"", 1}
    }


def _show_phones(form: RevokeForm, wrong_at: tuple[int, str] | None = None) -> str:
    """The page; `wrong_at` is the account and the phone that `form` was about when it was not accepted."""
    now = clock.now()
    chosen = _chosen_phones()
    can_revoke = current_user.role == SECURITY
    if can_revoke:
        workers, has_more = queries.find_workers_with_phones(chosen.get("words", ""), read_page())
    else:
        workers, has_more = queries.list_workers_with_phones(current_user.area_codes(now), now), False
    devices = queries.list_devices(worker.id for worker in workers)
    names = areas.get_names(code for worker in workers for code in worker.last_area_codes(now))
    rows = [
        {
            "worker": worker,
            "areas": [names.get(code, code) for code in worker.last_area_codes(now)],
            "devices": devices[worker.id],
        }
        for worker in workers
    ]
    return render_template(
        "users/phones.html",
        rows=rows,
        can_revoke=can_revoke,
        form=form,
        blank=RevokeForm(formdata=None),
        wrong_at=wrong_at,
        chosen=chosen,
        page=read_page(),
        has_more=has_more,
    )


def _show_sign_in(form: SignInForm, error: str | None = None) -> str:
    return render_template("users/sign_in.html", form=form, error=error)


def _inside(path: str | None) -> str | None:
    """`path` when it stays on this site: no other host, however it is spelled; else None."""
    if not path or not path.startswith("/") or path.startswith("//") or "\\" in path:
        return None
    return None if any(ord(char) < 32 for char in path) else path


def _desk_values() -> dict[str, Any]:
    """What the frame of every desk page shows of its reader."""
    # The phone's shell has no frame; it must not cost a look at the session either.
    if g.get("failed") or request.blueprint == "assets" or not current_user.is_authenticated:
        return {"reader": None}
    codes = current_user.area_codes()
    names = {held.area_code: held.area.name for held in current_user.scopes if held.area}
    return {
        "reader": {
            "name": current_user.display_name,
            "role": wording.ROLES.get(current_user.role, ""),
            "areas": [names.get(code, code) for code in codes],
            "reads_visits": current_user.role in READERS,
            "hands_out": current_user.role == SUPERVISOR,
            "answers_feedback": current_user.role in {SUPERVISOR, OFFICER, ADMIN},
            "is_admin": current_user.role == ADMIN,
            "sees_phones": current_user.role in {SUPERVISOR, SECURITY},
            "names_deputy": current_user.role in deputies.DECIDERS,
            "keeps_channels": current_user.role in {ADMIN, SECURITY},
        }
    }


def init_app(app: Flask) -> None:
    """Sessions, the pages here, and what the frame of a page shows of its reader."""
    browser_session.init_app(app)
    wording.init_app(app)
    app.register_blueprint(bp)
    app.register_blueprint(deputy_routes.bp)
    app.context_processor(_desk_values)
