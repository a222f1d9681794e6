"""The cookie: it carries a random token; who that is, the server's session table says at each request.

Invariant: signing in starts a fresh cookie, so a token planted before it is worth nothing.
"""

from __future__ import annotations

from flask import Flask, Request, current_app, g, session

from fieldapp.core import clock
from fieldapp.core.db import transaction
from fieldapp.core.guard import is_unattended, login_manager
from fieldapp.users import actions, queries
from fieldapp.users.models import User, UserSession

# Where the cookie keeps the session's token.
_TOKEN = "token"  # noqa: S105


def start(username: str, password: str, *, face: str, device_uuid: str | None = None) -> UserSession:
    """Sign in and put the session's token into the cookie; raises as `actions.sign_in`."""
    user_session, token = actions.sign_in(
        username, password, face=face, device_uuid=device_uuid, now=clock.now()
    )
    end()
    session[_TOKEN] = token
    session.permanent = face == "phone"
    return user_session


def end(*, has_erased: bool = False) -> None:
    """Sign out: revoke the session and empty the cookie, its CSRF token included; `has_erased` is what a phone says."""
    token = session.get(_TOKEN)
    if token:
        with transaction():
            actions.sign_out(token, clock.now(), has_erased=has_erased)
    session.clear()
    # Flask-WTF keeps the token of this request; a new one belongs to the new session.
    g.pop("csrf_token", None)


def _load(request: Request) -> User | None:
    token = session.get(_TOKEN)
    if not token:
        return None
    now = clock.now()
    found = queries.find_session(token, now, current_app.config["FIELDAPP"].desk_idle_minutes)
    if found is None:
        return None
    if not is_unattended(current_app.view_functions.get(request.endpoint or "")):
        actions.touch_session(found, now)
    g.hand_in = found.hand_in
    return found.user


def init_app(app: Flask) -> None:
    """Let Flask-Login ask the session table who is calling."""
    login_manager.init_app(app)
    login_manager.request_loader(_load)
