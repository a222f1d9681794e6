"""Every setting of fieldapp: name, type, default and help, filled from FIELDAPP_* in the environment.

An unknown FIELDAPP_ name or a value of the wrong type stops start-up: a typing error must not silently leave a default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "FIELDAPP_"
# Read by the test suite and the Makefile, not by the program.
OUTSIDE = frozenset({"FIELDAPP_TEST_POSTGRES_URL"})


class SettingsError(Exception):
    """A setting is unknown or its value cannot be read; the message names it and says what to write."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; `Settings.from_environment()` is how the program gets them."""

    data_dir: Path = field(
        default=Path("data"), metadata={"help": "Folder for the database, the photos and the master key."}
    )
    database_url: str = field(
        default="", metadata={"help": "SQLAlchemy URL; empty: SQLite in the data folder."}
    )
    host: str = field(default="127.0.0.1", metadata={"help": "Address the server listens on."})
    port: int = field(default=8000, metadata={"help": "Port the server listens on."})
    threads: int = field(default=16, metadata={"help": "Requests served at the same time."})
    tls_cert: str = field(
        default="",
        metadata={"help": "PEM file of the TLS certificate; with tls_key the server speaks https itself."},
    )
    tls_key: str = field(default="", metadata={"help": "PEM file of the TLS private key."})
    behind_proxy: bool = field(
        default=False, metadata={"help": "A TLS proxy stands in front and sets X-Forwarded-For and -Proto."}
    )
    site_url: str = field(
        default="",
        metadata={"help": "Address people open the desk at, https://…: notices outside lead there."},
    )
    sends_notices: bool = field(
        default=True,
        metadata={
            "help": "Whether `serve` sends notices outside; false where `python -m fieldapp jobs` does."
        },
    )
    operator: str = field(
        default="", metadata={"help": "主办单位: who runs this installation, shown in the app."}
    )
    filing: str = field(default="", metadata={"help": "备案编号: the filing number, shown in the app."})
    tile_url: str = field(
        default="",
        metadata={"help": "Map tiles, {x} {y} {z} in the URL; empty: maps are drawn without a background."},
    )
    tile_datum: str = field(default="WGS84", metadata={"help": "Datum of the tiles: WGS84, GCJ02 or BD09."})
    photo_max_bytes: int = field(default=10_000_000, metadata={"help": "Largest photo accepted, in bytes."})
    audio_max_bytes: int = field(
        default=20_000_000, metadata={"help": "Largest sound recording accepted, in bytes."}
    )
    video_max_bytes: int = field(default=50_000_000, metadata={"help": "Largest video accepted, in bytes."})
    file_max_bytes: int = field(
        default=20_000_000, metadata={"help": "Largest other file accepted (documents, tables), in bytes."}
    )
    import_max_bytes: int = field(
        default=500_000_000,
        metadata={"help": "Largest file of a phone's unsent work accepted at the desk, in bytes."},
    )
    roster_max_bytes: int = field(
        default=50_000_000, metadata={"help": "Largest Excel or CSV file of people accepted, in bytes."}
    )
    roster_max_rows: int = field(default=200_000, metadata={"help": "Rows a file of people may have."})
    photo_max_pixels: int = field(default=64_000_000, metadata={"help": "Largest photo accepted, in pixels."})
    checklist_max_bytes: int = field(
        default=5_000_000, metadata={"help": "Largest checklist workbook or CSV file accepted, in bytes."}
    )
    checklist_max_rows: int = field(
        default=2_000, metadata={"help": "Rows a checklist's survey sheet may have."}
    )
    checklist_max_choices: int = field(
        default=10_000,
        metadata={"help": "Rows a checklist's choices sheet, or a CSV file beside it, may have."},
    )
    desk_idle_minutes: int = field(
        default=20, metadata={"help": "A desk session ends after so many minutes without a request."}
    )
    phone_session_days: int = field(default=90, metadata={"help": "A phone session ends after so many days."})
    attachments_kept_days: int = field(
        default=0,
        metadata={
            "help": "Photos, recordings and files of what is settled are removed so many days after it; 0: never."
        },
    )
    sign_in_failures: int = field(
        default=5, metadata={"help": "Wrong passwords before an account is locked."}
    )
    sign_in_lock_minutes: int = field(default=15, metadata={"help": "Minutes an account stays locked."})

    @property
    def resolved_database_url(self) -> str:
        """The SQLAlchemy URL in force; PostgreSQL URLs are given the psycopg driver."""
        url = self.database_url or f"sqlite:///{(self.data_dir.resolve() / 'fieldapp.db').as_posix()}"
        for scheme in ("postgres://", "postgresql://"):
            if url.startswith(scheme):
                return "postgresql+psycopg://" + url.removeprefix(scheme)
        return url

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """The settings found in `environ` (os.environ by default); raises SettingsError."""
        environ = os.environ if environ is None else environ
        given = {
            name: value for name, value in environ.items() if name.startswith(PREFIX) and name not in OUTSIDE
        }
        values: dict[str, Any] = {}
        for item in fields(cls):
            text = given.pop(PREFIX + item.name.upper(), None)
            if text is not None:
                values[item.name] = _read(item.name, text, type(item.default))
        if given:
            known = ", ".join(PREFIX + item.name.upper() for item in fields(cls))
            raise SettingsError(f"unknown setting {', '.join(sorted(given))}; known are {known}")
        settings = cls(**values)
        _check(settings)
        return settings


def _check(settings: Settings) -> None:
    """Find at start-up what would fail later with words nobody understands."""
    if not 0 < settings.port < 65536:
        raise SettingsError(f"FIELDAPP_PORT={settings.port}: write a number from 1 to 65535")
    if settings.tile_datum not in {"WGS84", "GCJ02", "BD09"}:
        raise SettingsError(f"FIELDAPP_TILE_DATUM={settings.tile_datum}: write WGS84, GCJ02 or BD09")
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingsError("FIELDAPP_TLS_CERT and FIELDAPP_TLS_KEY: set both or none")
    for name in ("tls_cert", "tls_key"):
        path = getattr(settings, name)
        if path and not Path(path).is_file():
            raise SettingsError(f"{PREFIX}{name.upper()}={path}: there is no such file")
    try:
        url = make_url(settings.resolved_database_url)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise SettingsError(
            "FIELDAPP_DATABASE_URL: write postgresql://user:password@host/database, or leave it empty"
        )


def _read(name: str, text: str, kind: type) -> Any:
    if issubclass(kind, Path):
        return Path(text)
    if kind is bool:
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off", ""}:
            return False
        raise SettingsError(f"{PREFIX}{name.upper()}={text!r}: write true or false")
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"{PREFIX}{name.upper()}={text!r}: write a whole number") from None
    return text
