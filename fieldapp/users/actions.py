"""Writes of accounts and sessions: signing in and out, locking, ending.

Invariant: a wrong password and an unknown name look, last and count the same.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from functools import cache
from math import ceil

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from fieldapp.core import audit
from fieldapp.core.crypto import keyring
from fieldapp.core.db import db, insert_if_absent, transaction
from fieldapp.core.errors import AppError
from fieldapp.users import queries
from fieldapp.users.models import SignInFailure, User, UserScope, UserSession

log = logging.getLogger(__name__)
hasher = PasswordHasher()
# A desk session ends when idle, but in any case after a working day.
DESK_SESSION = timedelta(hours=12)
# `used_at` is written at most this often.
TOUCH_EVERY = timedelta(minutes=1)


def add_user(
    username: str,
    password: str,
    display_name: str,
    role: str,
    area_codes: list[str],
    *,
    actor: User | None,
    now: datetime,
    language: str = "zh",
) -> User:
    """Make an account that may see `area_codes` from `now` on; returns it with its id."""
    user = User(
        username=username,
        password_hash=hasher.hash(password),
        display_name=display_name,
        role=role,
        language=language,
        scopes=[UserScope(area_code=code, starts_at=now) for code in area_codes],
    )
    db.session.add(user)
    db.session.flush()
    audit.record(actor, "account.add", "user", user.id, at=now, role=role, areas=area_codes)
    return user


def sign_in(
    username: str, password: str, *, face: str, device_uuid: str | None, now: datetime
) -> tuple[UserSession, str]:
    """Check the password and start a session; returns it and its token for the cookie.

    Call outside a transaction: argon2 is slow on purpose, and a failed attempt must be counted even though the
    request fails. Raises account_locked or sign_in_wrong, the same for names that do not exist.
    """
    settings = current_app.config["FIELDAPP"]
    name_hash = keyring().lookup_hash(username.casefold(), "sign_in_failures.name")
    lock = timedelta(minutes=settings.sign_in_lock_minutes)
    # Counted before the password is looked at: a hundred guesses at once are not a hundred first guesses.
    with transaction():
        locked_until = _count_attempt(name_hash, now, lock, settings.sign_in_failures)
    if locked_until is not None:
        raise AppError("account_locked", minutes=max(1, ceil((locked_until - now).total_seconds() / 60)))
    user = queries.find_user_by_name(username)
    usable = user is not None and user.is_active
    if not _password_fits(user.password_hash if usable and user else _nobodys_hash(), password) or not user:
        with transaction():
            audit.record(user, "session.refuse", "user", user.id if user else "unknown", at=now)
        raise AppError("sign_in_wrong")
    token = secrets.token_urlsafe(32)
    with transaction():
        expired = SignInFailure.last_at < now - lock
        db.session.execute(delete(SignInFailure).where((SignInFailure.name_hash == name_hash) | expired))
        ends_at = now + (DESK_SESSION if face == "desk" else timedelta(days=settings.phone_session_days))
        session = UserSession(
            token_hash=queries.token_hash(token),
            user=user,
            face=face,
            device_uuid=device_uuid,
            started_at=now,
            used_at=now,
            ends_at=ends_at,
        )
        db.session.add(session)
        audit.record(user, "session.start", "user", user.id, at=now, face=face, device_uuid=device_uuid)
    return session, token


def touch_session(session: UserSession, now: datetime) -> None:
    """Note that a desk session is in use, at most once a minute, in a transaction of its own."""
    if session.face == "desk" and now - session.used_at >= TOUCH_EVERY:
        try:
            with transaction():
                db.session.execute(
                    update(UserSession)
                    .where(UserSession.token_hash == session.token_hash)
                    .values(used_at=now)
                )
        except OperationalError:
            # The database is busy: the next request notes it, and this one need not fail for it.
            log.info("session not touched: database busy")


def sign_out(token: str, now: datetime) -> None:
    """Revoke the session of that token, if there is one."""
    session = db.session.get(UserSession, queries.token_hash(token))
    if session is not None and session.revoked_at is None:
        session.revoked_at = now
        audit.record(session.user, "session.end", "user", session.user_id, at=now)


def end_sessions(actor: User, user_id: int, now: datetime) -> int:
    """Sign an account out everywhere; returns how many sessions ended."""
    user = queries.get_user(user_id)
    open_ones = db.session.scalars(
        select(UserSession).where(UserSession.user_id == user.id, UserSession.revoked_at.is_(None))
    ).all()
    for session in open_ones:
        session.revoked_at = now
    audit.record(actor, "account.sign_out_everywhere", "user", user.id, at=now, sessions=len(open_ones))
    return len(open_ones)


def end_account(actor: User, user_id: int, now: datetime) -> None:
    """End an account and its sessions; what it recorded stays. Raises own_account for one's own."""
    user = queries.get_user(user_id)
    if user.id == actor.id:
        raise AppError("own_account")
    user.ended_at = user.ended_at or now
    end_sessions(actor, user_id, now)
    audit.record(actor, "account.end", "user", user.id, at=now)


def unlock_account(actor: User, user_id: int, now: datetime) -> None:
    """Forget the wrong passwords of an account, so that it may try again at once."""
    user = queries.get_user(user_id)
    name_hash = keyring().lookup_hash(user.username.casefold(), "sign_in_failures.name")
    db.session.execute(delete(SignInFailure).where(SignInFailure.name_hash == name_hash))
    audit.record(actor, "account.unlock", "user", user.id, at=now)


def set_language(user: User, language: str) -> None:
    """Keep the account's language."""
    user.language = language


def _password_fits(password_hash: str, password: str) -> bool:
    try:
        return hasher.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return hasher.hash(secrets.token_hex(16))


def _count_attempt(name_hash: str, now: datetime, lock: timedelta, limit: int) -> datetime | None:
    """Count an attempt on a name; the instant its lock ends when it is locked (then nothing is counted), else None."""
    insert_if_absent(SignInFailure, name_hash=name_hash, count=0, last_at=now)
    failure = db.session.get_one(SignInFailure, name_hash, with_for_update=True, populate_existing=True)
    if now >= failure.last_at + lock:
        failure.count = 0
    elif failure.count >= limit:
        return failure.last_at + lock
    failure.count, failure.last_at = failure.count + 1, now
    return None
