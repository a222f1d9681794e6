"""Reads of accounts and sessions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from fieldapp.core import scope
from fieldapp.core.crypto import keyring
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import WORKER
from fieldapp.users.models import Deputy, Device, SignInFailure, User, UserScope, UserSession

PAGE_ROWS = 50


def get_user(user_id: int) -> User:
    """The account; raises not_found."""
    user = db.session.get(User, user_id)
    if user is None:
        raise AppError("not_found")
    return user


def find_user_by_name(username: str) -> User | None:
    """The account of that user name, or None."""
    return db.session.scalar(select(User).where(User.username == username))


def list_users() -> list[User]:
    """All accounts by name."""
    return list(
        db.session.scalars(select(User).order_by(User.ended_at.isnot(None), User.role, User.username))
    )


def list_users_covering(area_code: str, roles: Iterable[str], now: datetime) -> list[User]:
    """Usable accounts of `roles` whose areas cover `area_code` now, by name."""
    prefixes = [area_code[:digits] for digits in range(2, len(area_code) + 1)]
    rows = db.session.scalars(
        select(User)
        .join(UserScope)
        .where(User.role.in_(list(roles)), User.ended_at.is_(None), UserScope.area_code.in_(prefixes))
        .order_by(User.display_name)
        .options(joinedload(User.scopes))
        .distinct()
    ).unique()
    return [user for user in rows if scope.covers(user.area_codes(now), area_code)]


def list_workers_of(grid_codes: Iterable[str], now: datetime) -> dict[str, list[User]]:
    """By grid, the workers who work there now, by name; of all those grids by one statement."""
    grids = set(grid_codes)
    prefixes = {grid[:digits] for grid in grids for digits in range(2, len(grid) + 1)}
    rows = db.session.scalars(
        select(User)
        .where(
            User.role == WORKER,
            User.ended_at.is_(None),
            User.scopes.any(UserScope.area_code.in_(prefixes)),
        )
        .order_by(User.display_name)
        .options(joinedload(User.scopes))
    ).unique()
    workers = list(rows) if grids else []
    return {grid: [user for user in workers if scope.covers(user.area_codes(now), grid)] for grid in grids}


def list_users_within(area_code: str, roles: Iterable[str], now: datetime) -> list[User]:
    """Usable accounts of `roles` that have an area in `area_code` now, by name."""
    rows = db.session.scalars(
        select(User)
        .where(
            User.role.in_(list(roles)),
            User.ended_at.is_(None),
            User.scopes.any(scope.within(UserScope.area_code, [area_code])),
        )
        .order_by(User.display_name, User.id)
    )
    return [user for user in rows if any(scope.covers([area_code], code) for code in user.area_codes(now))]


def get_worker(user_id: int, area_codes: Sequence[str], now: datetime) -> User:
    """The worker's account when it works (or, ended, last worked) in one of `area_codes`; raises not_found."""
    user = db.session.get(User, user_id)
    if user is None or user.role != WORKER or not _works_in(user, area_codes, now):
        raise AppError("not_found")
    return user


def get_worker_ever_in(user_id: int, area_codes: Sequence[str]) -> User:
    """The worker's account when it has ever worked in one of `area_codes`, ended or not; raises not_found."""
    user = db.session.get(User, user_id)
    if (
        user is None
        or user.role != WORKER
        or not any(scope.covers(area_codes, held.area_code) for held in user.scopes)
    ):
        raise AppError("not_found")
    return user


def list_workers_ever_in(grid_codes: Iterable[str]) -> list[User]:
    """The workers who work, or ever worked, in one of those grids, by name; ended accounts last."""
    prefixes = {code[:digits] for code in grid_codes for digits in range(2, len(code) + 1)}
    rows = db.session.scalars(
        select(User)
        .where(User.role == WORKER, User.scopes.any(UserScope.area_code.in_(prefixes)))
        .order_by(User.ended_at.is_not(None), User.display_name, User.id)
    )
    return list(rows)


def list_workers_with_phones(area_codes: Sequence[str], now: datetime) -> list[User]:
    """The workers who have signed in on a phone and work (or, ended, last worked) in `area_codes`, by name."""
    rows = db.session.scalars(
        _with_phones().where(User.scopes.any(scope.within(UserScope.area_code, area_codes)))
    )
    return [user for user in rows if _works_in(user, area_codes, now)]


def find_workers_with_phones(words: str, page: int = 1) -> tuple[list[User], bool]:
    """A page of all workers who have signed in on a phone, those whose name or account holds `words`, and whether
    there is more.
    """
    named = User.display_name.contains(words, autoescape=True) | User.username.contains(
        words, autoescape=True
    )
    rows = db.session.scalars(
        _with_phones().where(named).offset((page - 1) * PAGE_ROWS).limit(PAGE_ROWS + 1)
    ).all()
    return list(rows[:PAGE_ROWS]), len(rows) > PAGE_ROWS


def _with_phones() -> Select[User]:
    has_phone = select(Device.user_id).where(Device.user_id == User.id).exists()
    return select(User).where(User.role == WORKER, has_phone).order_by(User.display_name, User.id)


def _works_in(user: User, area_codes: Sequence[str], now: datetime) -> bool:
    return any(scope.covers(area_codes, code) for code in user.last_area_codes(now))


def find_device(user_id: int, device_uuid: str | None) -> Device | None:
    """The phone as one of that account's, or None."""
    return db.session.get(Device, (device_uuid, user_id)) if device_uuid is not None else None


def list_devices(user_ids: Iterable[int]) -> dict[int, list[Device]]:
    """The phones of those accounts by account, in the order they were registered."""
    devices: dict[int, list[Device]] = {}
    rows = select(Device).where(Device.user_id.in_(set(user_ids))).order_by(Device.registered_at)
    for device in db.session.scalars(rows):
        devices.setdefault(device.user_id, []).append(device)
    return devices


def get_display_names(user_ids: Iterable[int]) -> dict[int, str]:
    """Display names by account id."""
    ids = set(user_ids)
    named = select(User.id, User.display_name).where(User.id.in_(ids))
    return {row[0]: row[1] for row in db.session.execute(named)} if ids else {}


def list_locked_names(usernames: Iterable[str], now: datetime, failures: int, lock_minutes: int) -> set[str]:
    """Of those user names, the ones that may not sign in for now after `failures` wrong passwords."""
    by_hash = {keyring().lookup_hash(name.casefold(), "sign_in_failures.name"): name for name in usernames}
    hashes = db.session.scalars(
        select(SignInFailure.name_hash).where(
            SignInFailure.name_hash.in_(list(by_hash)),
            SignInFailure.count >= failures,
            SignInFailure.last_at > now - timedelta(minutes=lock_minutes),
        )
    )
    return {by_hash[name_hash] for name_hash in hashes}


def find_session(token: str, now: datetime, idle_minutes: int) -> UserSession | None:
    """The valid session of a cookie's token: not ended or revoked; at the desk not idle, and of a usable account."""
    areas = joinedload(UserSession.user).joinedload(User.scopes).joinedload(UserScope.area)
    # Whose deputy they are is asked on every page that counts what waits for them.
    of_deputy = joinedload(UserSession.user).joinedload(User.deputised)
    deputised = of_deputy.joinedload(Deputy.user).joinedload(User.scopes)
    session = db.session.get(UserSession, token_hash(token), options=[areas, deputised])
    if session is None or session.revoked_at is not None or session.ends_at <= now:
        return None
    if session.face == "desk" and (
        not session.user.is_active or (now - session.used_at).total_seconds() > idle_minutes * 60
    ):
        return None
    return session


def token_hash(token: str) -> str:
    """The key under which a session of that token is stored."""
    return keyring().lookup_hash(token, "user_sessions.token")
