"""Writes of accounts, their areas, sessions and phones: signing in and out, locking, ending, codes for a forgotten PIN.

Invariant: a wrong password and an unknown name look, last and count the same; guesses at once are counted one by one.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from math import ceil

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask import current_app
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import OperationalError

from fieldapp.areas.queries import find_area
from fieldapp.core import audit, scope
from fieldapp.core.crypto import PhoneKeyUnreadable, keyring
from fieldapp.core.db import db, insert_if_absent, insert_into, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS, WORKER
from fieldapp.users import queries
from fieldapp.users.models import Device, PinCode, SignInFailure, User, UserScope, UserSession

log = logging.getLogger(__name__)
hasher = PasswordHasher()
# A desk session ends when idle, but in any case after a working day.
DESK_SESSION = timedelta(hours=12)
# `used_at` is written at most this often.
TOUCH_EVERY = timedelta(minutes=1)
# A code is read out on the phone and typed at once; a stolen one is soon worth nothing.
PIN_CODE_DIGITS = 8
PIN_CODE_FAILURES = 5
PIN_CODE_LASTS = timedelta(minutes=30)


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

    An ended account signs in on a phone it had before, to hand in what that still holds, and nowhere else.
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
    usable = user is not None and (
        user.is_active or (face == "phone" and queries.find_device(user.id, device_uuid) is not None)
    )
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
        # Who works at the desk is turned away from the phone app: no phone is theirs.
        if device_uuid is not None and user.role == WORKER:
            insert_if_absent(Device, device_uuid=device_uuid, user_id=user.id, registered_at=now)
            if session.device is not None and session.hand_in is None:
                # It is about to hold records again.
                session.device.erased_at = None
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


def sign_out(token: str, now: datetime, *, has_erased: bool = False) -> None:
    """Revoke the session of that token, if there is one; `has_erased`: its phone keeps nothing of the account."""
    session = db.session.get(UserSession, queries.token_hash(token))
    if session is None or session.revoked_at is not None:
        return
    session.revoked_at = now
    audit.record(session.user, "session.end", "user", session.user_id, at=now)
    if has_erased and session.device is not None:
        session.device.erased_at = now
        audit.record(
            session.user, "device.erase", "user", session.user_id, at=now, device_uuid=session.device_uuid
        )


def end_sessions(actor: User, user_id: int, now: datetime) -> int:
    """Sign an account out everywhere; returns how many sessions ended."""
    user = queries.get_user(user_id)
    ended = _end_open_sessions(UserSession.user_id == user.id, now)
    audit.record(actor, "account.sign_out_everywhere", "user", user.id, at=now, sessions=ended)
    return ended


def end_account(actor: User, user_id: int, now: datetime) -> None:
    """End an account and its sessions; what it recorded stays, and its phones may hand in what they still hold.

    Raises own_account for one's own.
    """
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


def grant_area(actor: User, user_id: int, area_code: str, now: datetime) -> None:
    """Let an account see an area, with all below it, from now on.

    Raises not_found, account_ended, area_unknown, and area_held when it sees that area already.
    """
    user = _lock_active(user_id)
    if find_area(area_code) is None:
        raise AppError("area_unknown")
    if scope.covers(user.area_codes(now), area_code):
        raise AppError("area_held")
    user.scopes.append(UserScope(area_code=area_code, starts_at=now))
    audit.record(actor, "account.grant_area", "user", user.id, at=now, area=area_code)


def withdraw_area(actor: User, user_id: int, area_code: str, now: datetime) -> None:
    """Take an area from an account from now on; its phones hand in what they hold of it and let go of it.

    Raises not_found (also when the account does not have that very area), account_ended.
    """
    user = _lock_active(user_id)
    held = [item for item in user.scopes if item.area_code == area_code and item.ends_at is None]
    if not held:
        raise AppError("not_found")
    for item in held:
        item.ends_at = now
    audit.record(actor, "account.withdraw_area", "user", user.id, at=now, area=area_code)


def allow_restricted_tags(actor: User, user_id: int, allowed: bool, now: datetime) -> None:
    """Say whether an account is told restricted tags by their names at the desk.

    Raises not_found (also for an account that reads no records), account_ended.
    """
    user = _lock_active(user_id)
    if user.role not in READERS:
        raise AppError("not_found")
    user.sees_restricted = allowed
    audit.record(actor, "account.restricted_tags", "user", user.id, at=now, allowed=allowed)


def extend_areas(actor: User, area_code: str, more: Sequence[str], now: datetime) -> None:
    """Let every account that has that very area see `more` areas as well, from now on: what it had goes on in them."""
    for user in _lock_holders(area_code):
        for code in more:
            if not scope.covers(user.area_codes(now), code):
                user.scopes.append(UserScope(area_code=code, starts_at=now))
                audit.record(actor, "account.grant_area", "user", user.id, at=now, area=code)
    db.session.flush()


def end_area(actor: User, area_code: str, now: datetime) -> None:
    """Take an area that has ended from every account that has it."""
    for user in _lock_holders(area_code):
        withdraw_area(actor, user.id, area_code, now)


def _lock_holders(area_code: str) -> list[User]:
    """The usable accounts that have that very area, locked, in the order of their numbers."""
    holders = db.session.scalars(
        select(User.id)
        .join(UserScope)
        .where(UserScope.area_code == area_code, UserScope.ends_at.is_(None), User.ended_at.is_(None))
        .order_by(User.id)
        .distinct()
    ).all()
    return [_lock_active(user_id) for user_id in holders]


def revoke_device(actor: User, user_id: int, device_uuid: str, reason: str, now: datetime) -> None:
    """Let a phone do no more than hand in what it still holds of that account; its sessions end.

    Raises not_found, reason_needed.
    """
    device = queries.find_device(user_id, device_uuid)
    if device is None:
        raise AppError("not_found")
    if not reason.strip():
        raise AppError("reason_needed")
    device.revoked_at = device.revoked_at or now
    on_it = (UserSession.user_id == user_id) & (UserSession.device_uuid == device_uuid)
    _end_open_sessions(on_it, now)
    audit.record(
        actor, "device.revoke", "user", user_id, at=now, device_uuid=device_uuid, reason=reason.strip()
    )


def make_pin_code(actor: User, user_id: int, now: datetime) -> tuple[str, datetime]:
    """Make the code with which a worker of the actor's areas opens a phone whose PIN is forgotten.

    Returns it, for it is kept nowhere, and until when it is good; an earlier one is worth nothing from now on.
    Raises not_found.
    """
    worker = queries.get_worker(user_id, actor.area_codes(now), now)
    code = f"{secrets.randbelow(10**PIN_CODE_DIGITS):0{PIN_CODE_DIGITS}}"
    values = {
        "code_hash": _pin_code_hash(worker.id, code),
        "made_by": actor.id,
        "made_at": now,
        "ends_at": now + PIN_CODE_LASTS,
        "failures": 0,
        "used_at": None,
    }
    statement = insert_into(PinCode).values(user_id=worker.id, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))
    audit.record(actor, "pin_code.make", "user", worker.id, at=now)
    return code, now + PIN_CODE_LASTS


def open_phone_key(user: User, sealed: str, code: str, now: datetime) -> bytes:
    """The data key that a phone of the account sealed, for the worker's code, which is used up by it.

    Runs its own transaction: a wrong code must be counted even though the request fails. Raises pin_code_wrong, the
    same for a wrong code and for one that is used, too old or was never made; phone_key_unreadable (the code stays good).
    """
    with transaction():
        pin_code = _try_pin_code(user, code, now)
        if pin_code is not None:
            try:
                data_key = keyring().open_phone_key(sealed, user.id)
            except PhoneKeyUnreadable as error:
                raise AppError("phone_key_unreadable") from error
            pin_code.used_at = now
            audit.record(user, "pin_code.use", "user", user.id, at=now, made_by=pin_code.made_by)
            audit.record(user, "phone_key.open", "user", user.id, at=now)
            return data_key
    raise AppError("pin_code_wrong")


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


def _end_open_sessions(condition: ColumnElement[bool], now: datetime) -> int:
    open_ones = db.session.scalars(
        select(UserSession).where(condition, UserSession.revoked_at.is_(None))
    ).all()
    for session in open_ones:
        session.revoked_at = now
    return len(open_ones)


def _lock_active(user_id: int) -> User:
    """The account, locked, so that two administrators' changes come one after the other."""
    user = db.session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None:
        raise AppError("not_found")
    if not user.is_active:
        raise AppError("account_ended")
    return user


def _try_pin_code(user: User, code: str, now: datetime) -> PinCode | None:
    """The account's code when `code` is it and it is still good, locked until the transaction ends; else None.

    A wrong one is counted. Guesses at the same time wait for each other here, so that five are five.
    """
    pin_code = db.session.get(PinCode, user.id, with_for_update=True, populate_existing=True)
    if (
        pin_code is None
        or pin_code.used_at is not None
        or pin_code.ends_at <= now
        or pin_code.failures >= PIN_CODE_FAILURES
    ):
        return None
    if hmac.compare_digest(pin_code.code_hash, _pin_code_hash(user.id, code)):
        return pin_code
    pin_code.failures += 1
    audit.record(user, "pin_code.refuse", "user", user.id, at=now, failures=pin_code.failures)
    return None


def _pin_code_hash(user_id: int, code: str) -> str:
    return keyring().lookup_hash(f"{user_id}/{code}", "pin_codes.code")


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
