"""Who may call a route: signed in, in one of the named roles, by a session the server still holds.

Invariant: every route is either in `PUBLIC` or guarded by `require`; create_app refuses to start otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import Flask, g, redirect, request, url_for
from flask_login import LoginManager, current_user
from werkzeug.wrappers import Response

from fieldapp.core.errors import AppError, wants_json

P = ParamSpec("P")
R = TypeVar("R")

login_manager = LoginManager()
_GUARDED = "fieldapp_roles"
_UNATTENDED = "fieldapp_unattended"

WORKER, SUPERVISOR, LEADER, OFFICER = "worker", "supervisor", "leader", "officer"
ADMIN, SECURITY, AUDIT = "admin", "security", "audit"
ROLES = (WORKER, SUPERVISOR, LEADER, OFFICER, ADMIN, SECURITY, AUDIT)
# Who reads visits at the desk within their scope.
READERS = (SUPERVISOR, LEADER, OFFICER)


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a route as open to everyone."""
    setattr(view, _GUARDED, ())
    return view


def require(*roles: str, hand_in: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only signed-in accounts of `roles` (any role when none is named) call the route.

    A session that may only hand in is let through where `hand_in` says so, and nowhere else.
    Raises sign_in_needed (401; a page redirects to the sign-in page instead), wrong_role or hand_in_only (403).
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not current_user.is_authenticated:
                if wants_json():
                    raise AppError("sign_in_needed")
                return to_sign_in()  # type: ignore[return-value]
            if roles and current_user.role not in roles:
                raise AppError("wrong_role")
            if not hand_in and hand_in_reason() is not None:
                raise AppError("hand_in_only")
            return view(*args, **kwargs)

        setattr(guarded, _GUARDED, roles or ROLES)
        return guarded

    return decorate


def unattended(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a route that pages call by themselves: it does not keep a desk session from ending when nobody is there."""
    setattr(view, _UNATTENDED, True)
    return view


def is_unattended(view: Callable[..., Any] | None) -> bool:
    """Whether pages call `view` by themselves."""
    return getattr(view, _UNATTENDED, False)


def hand_in_reason() -> str | None:
    """Why the caller may only hand in what the phone still holds: account_ended or device_revoked; else None."""
    # Set together with the user, when the session is looked up.
    return g.get("hand_in") if current_user.is_authenticated else None


def to_sign_in() -> Response:
    """Send a page's reader to the sign-in page and back afterwards; htmx is told to load a whole page.

    Where a form was sent, what was typed stays on its page, which asks to sign in beside it.
    """
    if request.method != "GET" and request.headers.get("HX-Request"):
        return Response("", 401, {"HX-Reswap": "none", "HX-Trigger": "signed-out"})
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    target = url_for("users.sign_in_page", next=here)
    if request.headers.get("HX-Request"):
        return Response("", 200, {"HX-Redirect": target})
    return redirect(target)


def roles_of(view: Callable[..., Any]) -> tuple[str, ...] | None:
    """The roles that may call `view`: () for everyone, None when nobody said."""
    return getattr(view, _GUARDED, None)


def check_routes(app: Flask) -> None:
    """Refuse to start with a route that is neither public nor guarded."""
    for rule in app.url_map.iter_rules():
        if roles_of(app.view_functions[rule.endpoint]) is None:
            raise RuntimeError(f"route {rule.rule} ({rule.endpoint}) is neither public nor guarded")
