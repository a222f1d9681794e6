"""What every request passes: security headers, language, CSRF, templates' common values, health.

Invariant: no page carries inline script or style, and none loads anything from another host but the map tiles set.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, has_request_context, jsonify, request
from flask_babel import Babel, get_locale
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.exc import SQLAlchemyError

from fieldapp.core import clock, feeds, storage
from fieldapp.core.errors import AppError
from fieldapp.core.guard import public
from fieldapp.core.paging import KeyConverter
from fieldapp.settings import Settings

LANGUAGES = ("zh", "en")
LANGUAGE_COOKIE = "language"

babel = Babel()
csrf = CSRFProtect()
limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=False)

bp = Blueprint("web", __name__)


def pick_language() -> str:
    """The reader's language: of the phone's request, of the account, of the cookie, else Chinese.

    A command has no request; its words are English, like the rest of what it prints.
    """
    if not has_request_context():
        return "en"
    asked = request.args.get("lang") or request.headers.get("X-Language")
    if asked in LANGUAGES:
        return str(asked)
    if current_user and current_user.is_authenticated and not request.cookies.get(LANGUAGE_COOKIE):
        return str(current_user.language)
    kept = request.cookies.get(LANGUAGE_COOKIE)
    return kept if kept in LANGUAGES else "zh"


def pick_text(texts: Any) -> str:
    """The text of {zh, en} in the reader's language, or in the one there is."""
    if isinstance(texts, str):
        return texts
    texts = texts or {}
    return str(texts.get(str(get_locale())) or texts.get("zh") or next(iter(texts.values()), ""))


@bp.get("/healthz")
@public
def healthz() -> Response:
    """Alive."""
    return jsonify(ok=True)


@bp.get("/readyz")
@public
def readyz() -> Response:
    """Database and storage answer, and the database is set up: an epoch is the last it is given."""
    try:
        feeds.epoch()
        storage.check_storage()
    except (SQLAlchemyError, OSError) as error:
        raise AppError("not_ready") from error
    return jsonify(ok=True)


def init_app(app: Flask, settings: Settings) -> None:
    """Set up everything here on `app`."""
    app.config.update(
        SESSION_COOKIE_NAME="fieldapp",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # A pull must not set a cookie; the cookie of a phone lives as long as its session on the server.
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=settings.phone_session_days * 24 * 3600,
        SESSION_COOKIE_SECURE=bool(settings.tls_cert) or settings.behind_proxy,
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=max(settings.photo_max_bytes + 1024, 16_000_000),
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_DEFAULT_TIMEZONE="Asia/Shanghai",
    )
    app.url_map.converters["int"] = KeyConverter
    babel.init_app(app, locale_selector=pick_language)
    csrf.init_app(app)
    limiter.init_app(app)
    app.register_blueprint(bp)
    app.jinja_env.globals.update(site=settings, pick=pick_text, now=clock.now)

    tiles = urlsplit(settings.tile_url)
    images = "'self' data: blob:" + (
        f" {tiles.scheme}://{tiles.netloc.replace('{s}', '*')}" if tiles.netloc else ""
    )
    policy = (
        f"default-src 'self'; img-src {images}; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "geolocation=(self), camera=(self), microphone=()"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if app.config["SESSION_COOKIE_SECURE"]:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        # Records are personal: nothing but hashed files and the shell may be kept by a cache.
        response.headers.setdefault("Cache-Control", "no-store")
        return response
