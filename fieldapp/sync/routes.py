"""The phone's door: session, push, pull, attachments, as JSON (DESIGN section 5, docs/sync.md).

Invariant: a request names its user; one that is not the session's touches nothing.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

from flask import Blueprint, Flask, Response, current_app, jsonify, request, send_file
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from pydantic import BaseModel, Field

from fieldapp.areas.queries import list_grids
from fieldapp.core import clock, feeds, media, pictures, storage
from fieldapp.core.bodies import Body, UuidStr, read_body
from fieldapp.core.compression import compressed
from fieldapp.core.crypto import keyring
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import LEADER, OFFICER, SUPERVISOR, WORKER, hand_in_reason, public, require
from fieldapp.core.paging import LARGEST_KEY
from fieldapp.core.web import limiter
from fieldapp.notices import actions as notices
from fieldapp.reviews import actions as reviews
from fieldapp.sync import (
    actions,
    desk_queries,
    desk_routes,
    envelopes,
    handover_routes,
    queries,
    rules,
)
from fieldapp.users import actions as users, browser_session
from fieldapp.users.models import User

P = ParamSpec("P")
R = TypeVar("R")

bp = Blueprint("sync", __name__, url_prefix="/api")


class SignInBody(BaseModel):
    """The body of POST /api/session."""

    username: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")]
    password: Annotated[str, Field(min_length=1, max_length=200)]
    device_uuid: UuidStr


class KeyBody(Body):
    """The body of POST /api/session/key: the phone's key, sealed, in base64, and the code from the supervisor."""

    sealed: Annotated[str, Field(max_length=400)]
    code: Annotated[str, Field(max_length=20)]


def for_named_user(view: Callable[P, R]) -> Callable[P, R]:
    """Refuse (wrong_account) a request whose X-User-Id is not the session's account."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if request.headers.get("X-User-Id") != str(current_user.id):
            raise AppError("wrong_account")
        return view(*args, **kwargs)

    return checked


@bp.get("/session")
@public
def get_session() -> Response:
    """Who is signed in, and a CSRF token."""
    now = clock.now()
    user = _user_record(current_user, now) if current_user.is_authenticated else None
    settings = current_app.config["FIELDAPP"]
    return jsonify(
        user=user,
        csrf_token=generate_csrf(),
        server_time=clock.iso(now),
        public_key=keyring().public_key,
        hand_in=hand_in_reason(),
        site={"operator": settings.operator, "filing": settings.filing, "limits": storage.limits()},
    )


def _account_and_device() -> str:
    body = _json()
    body = body if isinstance(body, dict) else {}
    return f"{str(body.get('username')).casefold()[:80]} {str(body.get('device_uuid'))[:40]}"


@bp.post("/session")
@public
@limiter.limit("20 per minute", key_func=_account_and_device)
def start_session() -> Response:
    """Sign in on a phone."""
    body = read_body(SignInBody, _json())
    session = browser_session.start(body.username, body.password, face="phone", device_uuid=body.device_uuid)
    if session.user.role != WORKER:
        browser_session.end()
        raise AppError("use_desk")
    now = clock.now()
    return jsonify(
        user=_user_record(session.user, now),
        csrf_token=generate_csrf(),
        server_time=clock.iso(now),
        hand_in=session.hand_in,
    )


@bp.delete("/session")
@public
def end_session() -> tuple[str, int]:
    """Sign out; what waits on the phone stays there. With `?erased=true` the phone says that it keeps nothing more."""
    browser_session.end(has_erased=request.args.get("erased") == "true")
    return "", 204


@bp.post("/session/key")
@require(WORKER, hand_in=True)
@for_named_user
def open_key() -> Response:
    """Open a phone's key for the worker's code: the PIN is forgotten."""
    body = read_body(KeyBody, _json())
    data_key = users.open_phone_key(current_user, body.sealed, body.code, clock.now())
    return jsonify(key=base64.b64encode(data_key).decode())


@bp.post("/sync/push")
@require(WORKER, hand_in=True)
@for_named_user
def push() -> Response:
    """Take up to 100 operations."""
    push_request = envelopes.read_push(_json())
    receipts = actions.push(current_user.id, push_request, clock.now())
    # Read after the commit: a backup that began before this instant may lack what the receipts speak of.
    return jsonify(
        receipts=receipts,
        server_time=clock.iso(clock.now()),
        backed_up_to=feeds.backed_up_to(),
        epoch=rules.short_epoch(feeds.epoch()),
    )


@bp.get("/sync/pull")
@require(WORKER)
@for_named_user
def pull() -> Response:
    """Give the changes since a cursor."""
    page = jsonify(queries.get_page(current_user, request.args.get("cursor"), clock.now()))
    return compressed(page)


@bp.post("/sync/notices-read")
@require(WORKER)
@for_named_user
def notices_read() -> Response:
    """Note up to which notice the worker has read; harmless to say again."""
    up_to = _json().get("up_to")
    if not isinstance(up_to, int) or not 0 <= up_to <= LARGEST_KEY:
        raise AppError("body_invalid")
    with transaction():
        notices.read_on_phone(current_user.id, up_to, clock.now())
    return jsonify(up_to=up_to)


@bp.url_value_preprocessor
def _let_attachments_in(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Each kind of attachment has a limit of its own, checked while it arrives. Set here, before anything (the
    check of the token) looks at the body.
    """
    if endpoint == "sync.put_attachment":
        request.max_content_length = max(storage.limits().values()) + 1024


@bp.put("/attachments/<sha256>")
@require(WORKER, hand_in=True)
@for_named_user
def put_attachment(sha256: str) -> tuple[Response, int]:
    """Take a photo, recording or file under the hash of its bytes."""
    _check_hash(sha256)
    is_new = reviews.store_attachment(sha256, request.stream, current_user.id, clock.now())
    # Read after the commit: what a backup taken later than this holds for certain.
    return jsonify(sha256=sha256, server_time=clock.iso(clock.now())), 201 if is_new else 200


@bp.get("/attachments/<sha256>")
@require(WORKER, SUPERVISOR, LEADER, OFFICER)
def get_attachment(sha256: str) -> Response:
    """An attachment as it came; a picture also upright as `size=thumb` or `size=screen`.

    Pictures and recordings may be shown; anything else is only ever downloaded, never opened on this site.
    """
    _check_hash(sha256)
    codes = current_user.area_codes(clock.now())
    if not storage.can_read_attachment(
        sha256, current_user.id, codes
    ) and not desk_queries.can_read_attachment(sha256, current_user, codes):
        raise AppError("not_found")
    held = storage.get_attachment(sha256)
    size = request.args.get("size")
    file, media_type, length = storage.open_attachment(sha256), held.media_type, held.size
    if held.kind == media.IMAGE and size in pictures.SIZES:
        with file:
            shown = pictures.render_photo(file, size)
        file, media_type, length = io.BytesIO(shown), "image/jpeg", len(shown)
    response = send_file(
        file,
        mimetype=media_type,
        etag=f"{sha256}-{size or ''}",
        last_modified=held.stored_at,
        conditional=False,
    )
    response.call_on_close(file.close)
    response.content_length = length
    # In part where a player asks for a part: Safari plays nothing else.
    response.make_conditional(request, accept_ranges=True, complete_length=length)
    if held.kind == media.FILE:
        response.headers["Content-Disposition"] = "attachment"
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    # Never changes under its hash; kept by the reader's own browser only. A phone keeps nothing that it has not sealed.
    is_phone = current_user.role == WORKER
    response.headers["Cache-Control"] = "no-store" if is_phone else "private, max-age=86400, immutable"
    return response


def _json() -> Any:
    """The request's JSON, or None when there is none that can be read."""
    try:
        return request.get_json(silent=True)
    except RecursionError:
        return None


def _check_hash(sha256: str) -> None:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise AppError("not_found")


def _user_record(user: User, now: datetime) -> dict[str, Any]:
    grids = list_grids(user.area_codes(now)) if user.role == WORKER else []
    return {
        "id": user.id,
        "username": user.username,
        "display_name": user.display_name,
        "role": user.role,
        "language": user.language,
        "grids": [{"code": grid.code, "name": grid.name} for grid in grids],
    }


def init_app(app: Flask) -> None:
    """Register the phone's routes, and the desk's page for a phone's file."""
    app.register_blueprint(bp)
    handover_routes.init_app(app)
    desk_routes.init_app(app)
