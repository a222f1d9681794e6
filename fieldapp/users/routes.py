"""Pages of accounts: signing in and out, the reader's language, the administrator's list of accounts.

Invariant: no page says when an account was last used, or how often (DOMAIN, burden rules).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext, refresh
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import ADMIN, READERS, SUPERVISOR, WORKER, public, require
from fieldapp.core.web import LANGUAGE_COOKIE, LANGUAGES, limiter
from fieldapp.users import actions, browser_session, queries
from fieldapp.users.forms import SignInForm

LANGUAGE_DAYS = 365

bp = Blueprint("users", __name__)


@bp.get("/")
@require(hand_in=True)
def home() -> str | Response:
    """Send each role to what needs it; roles whose pages are not made yet are told so."""
    role = current_user.role
    if role == WORKER:
        return redirect(url_for("assets.shell"))
    if role in READERS:
        return redirect(url_for("reviews.queue_page"))
    if role == ADMIN:
        return redirect(url_for("users.accounts_page"))
    return render_template("users/no_pages.html")


@bp.get("/sign-in")
@public
def sign_in_page() -> str | Response:
    """The sign-in page; who is signed in goes on."""
    if current_user.is_authenticated:
        return redirect(_inside(request.args.get("next")) or url_for("users.home"))
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
    return redirect(wanted or url_for("users.home"), 303)


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
    response = redirect(_inside(request.form.get("next")) or url_for("users.home"), 303)
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
    settings = current_app.config["FIELDAPP"]
    locked = queries.list_locked_names(
        {user.username for user in users},
        clock.now(),
        settings.sign_in_failures,
        settings.sign_in_lock_minutes,
    )
    names = areas.get_names(code for user in users for code in user.area_codes())
    rows = [
        {
            "user": user,
            "role": wording.ROLES[user.role],
            "areas": [names.get(code, code) for code in user.area_codes()],
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


def _back_to_accounts(message: str) -> Response:
    flash(message)
    return redirect(url_for("users.accounts_page"), 303)


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
    names = areas.get_names(codes)
    return {
        "reader": {
            "name": current_user.display_name,
            "role": wording.ROLES.get(current_user.role, ""),
            "areas": [names.get(code, code) for code in codes],
            "reads_visits": current_user.role in READERS,
            "hands_out": current_user.role == SUPERVISOR,
            "is_admin": current_user.role == ADMIN,
        }
    }


def init_app(app: Flask) -> None:
    """Sessions, the pages here, and what the frame of a page shows of its reader."""
    browser_session.init_app(app)
    wording.init_app(app)
    app.register_blueprint(bp)
    app.context_processor(_desk_values)
