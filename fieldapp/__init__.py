"""fieldapp: visits to people in hardship, from a grid worker's phone to review and follow-up.

`create_app` lists the features in their order; a feature may call those before it, never those after it.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from fieldapp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def create_app(settings: Settings | None = None, *, create_key: bool = False) -> Flask:
    """The WSGI application; `create_key` lets `init` make the master key of a new data folder.

    Raises SettingsError for a wrong setting, KeyMissing when the data folder has no master key.
    """
    from fieldapp.aid import routes as aid
    from fieldapp.checklists import routes as checklists
    from fieldapp.core import assets, crypto, db, errors, guard, menu, web
    from fieldapp.entry import routes as entry
    from fieldapp.feedback import routes as feedback
    from fieldapp.followups import routes as followups
    from fieldapp.imports import routes as imports
    from fieldapp.notices import routes as notices
    from fieldapp.overview import routes as overview
    from fieldapp.papers import routes as papers
    from fieldapp.payments import routes as payments
    from fieldapp.people import routes as people
    from fieldapp.relief import routes as relief
    from fieldapp.reports import routes as reports
    from fieldapp.reviews import routes as reviews
    from fieldapp.revisits import routes as revisits
    from fieldapp.screenings import routes as screenings
    from fieldapp.sweeps import routes as sweeps
    from fieldapp.sync import routes as sync
    from fieldapp.tables import routes as tables
    from fieldapp.users import routes as users
    from fieldapp.workdays import routes as workdays

    settings = settings or Settings.from_environment()
    app = Flask(
        __name__,
        static_folder=None,
        template_folder=str(ROOT / "templates"),
    )
    app.config["FIELDAPP"] = settings
    keyring = crypto.load_keyring(settings.data_dir, create=create_key)
    app.extensions["fieldapp.keyring"] = keyring
    app.config["SECRET_KEY"] = keyring.cookie_secret
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.resolved_database_url
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]

    db.init_app(app)
    web.init_app(app, settings)
    errors.init_app(app)
    assets.init_app(app)
    menu.init_app(app)
    for feature in (
        users,
        workdays,
        notices,
        feedback,
        people,
        checklists,
        followups,
        aid,
        relief,
        imports,
        payments,
        sweeps,
        screenings,
        revisits,
        reviews,
        papers,
        sync,
        entry,
        reports,
        tables,
        overview,
    ):
        feature.init_app(app)
    guard.check_routes(app)
    return app
