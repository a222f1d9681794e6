"""The built client: hashed files under /static/, the phone's shell, worker and manifest under /app/.

Invariant: only the shell, the worker and the manifest have stable names; they are never kept by a cache.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from flask import (
    Blueprint,
    Flask,
    Response,
    make_response,
    redirect,
    render_template,
    send_from_directory,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from fieldapp.core.compression import compressed
from fieldapp.core.guard import public

DIST = Path(__file__).resolve().parents[2] / "static" / "dist"
YEAR_S = 365 * 24 * 3600

bp = Blueprint("assets", __name__)


class ClientNotBuilt(RuntimeError):
    """static/dist is missing; `make run` builds it."""


def check_built() -> None:
    """Raise ClientNotBuilt before serving rather than at the first page."""
    _names()


@cache
def _names() -> dict[str, str]:
    path = DIST / "assets.json"
    if not path.exists():
        raise ClientNotBuilt(
            "static/dist/assets.json is missing: run `make run`, or `make client` after a change"
        )
    return dict(json.loads(path.read_text()))


def asset(name: str) -> str:
    """The URL of a built file by its logical name (`phone.js`)."""
    return url_for("assets.file", name=_names()[name])


@bp.get("/static/<path:name>")
@public
def file(name: str) -> Response:
    """A hashed file; it never changes, so it may be kept for a year."""
    response = send_from_directory(DIST, name, max_age=YEAR_S)
    response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return compressed(response, keep=True)


@bp.get("/app")
@public
def app_without_slash() -> BaseResponse:
    """The worker's scope ends in a slash."""
    return redirect(url_for("assets.shell"))


@bp.get("/app/")
@public
def shell() -> Response:
    """The phone app's one page."""
    response = make_response(render_template("phone/shell.html"))
    response.headers["Cache-Control"] = "no-cache"
    return compressed(response)


@bp.get("/app/sw.js")
@public
def worker() -> Response:
    """The service worker."""
    return _stable("sw.js", "text/javascript")


@bp.get("/app/manifest.webmanifest")
@public
def manifest() -> Response:
    """What makes the app installable."""
    return _stable("manifest.webmanifest", "application/manifest+json")


def _stable(name: str, media_type: str) -> Response:
    response = send_from_directory(DIST, name, mimetype=media_type)
    response.headers["Cache-Control"] = "no-cache"
    return compressed(response)


def init_app(app: Flask) -> None:
    """Serve the built client from `app`."""
    app.register_blueprint(bp)
    app.jinja_env.globals["asset"] = asset
