"""Accounts, the areas they may see, their sessions and phones.

Invariant: a session is valid only while its row says so; the cookie alone opens nothing.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import AreaCode, Base, Instant, UuidText


class User(Base):
    """An account of a person."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    username: Mapped[str] = mapped_column(String(80), unique=True, doc="What one signs in with.")
    password_hash: Mapped[str] = mapped_column(String(200), doc="argon2id.")
    display_name: Mapped[str] = mapped_column(String(80), doc="What others see.")
    role: Mapped[str] = mapped_column(String(20), doc="One of core.guard.ROLES; no account holds two.")
    language: Mapped[str] = mapped_column(String(5), default="zh", doc="zh or en.")
    sees_restricted: Mapped[bool] = mapped_column(
        default=False, doc="Whether restricted tags are shown to it by name at the desk."
    )
    ended_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="From then on it is only good for handing in what its phones still hold."
    )

    scopes: Mapped[list[UserScope]] = relationship(lazy="selectin", order_by="UserScope.id")
    deputised: Mapped[list[Deputy]] = relationship(
        primaryjoin="and_(User.id == foreign(Deputy.deputy_id), Deputy.ended_at.is_(None))",
        order_by="Deputy.id",
        viewonly=True,
    )

    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """Whether the account may be used."""
        return self.ended_at is None

    def area_codes(self, at: datetime | None = None) -> list[str]:
        """The area codes this account may see now, or might see at the instant `at`."""
        instant = at or clock.now()
        if self.ended_at is not None and instant >= self.ended_at:
            return []
        return [
            scope.area_code
            for scope in self.scopes
            if scope.starts_at <= instant and (scope.ends_at is None or instant < scope.ends_at)
        ]

    def last_area_codes(self, now: datetime) -> list[str]:
        """The area codes of this account; when it has none any more, those it had last."""
        ends = [min(end for end in (scope.ends_at, self.ended_at, now) if end) for scope in self.scopes]
        return [scope.area_code for scope, end in zip(self.scopes, ends, strict=True) if end == max(ends)]


class UserScope(Base):
    """An area an account may see, for a time."""

    __tablename__ = "user_scopes"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True, doc="Whose.")
    area_code: Mapped[str] = mapped_column(AreaCode, index=True, doc="Area of any level, with all below it.")
    starts_at: Mapped[datetime] = mapped_column(Instant, doc="From when on.")
    ends_at: Mapped[datetime | None] = mapped_column(Instant, doc="Until when; empty: still.")

    area: Mapped[Area | None] = relationship(
        primaryjoin="foreign(UserScope.area_code) == Area.code", viewonly=True
    )


class UserSession(Base):
    """A sign-in on one device or at the desk."""

    __tablename__ = "user_sessions"

    token_hash: Mapped[str] = mapped_column(
        String(64), primary_key=True, doc="Keyed hash of the cookie's token."
    )
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True, doc="Whose.")
    face: Mapped[str] = mapped_column(String(5), doc="phone or desk.")
    device_uuid: Mapped[str | None] = mapped_column(UuidText, doc="The phone; empty at the desk.")
    started_at: Mapped[datetime] = mapped_column(Instant, doc="Signed in.")
    used_at: Mapped[datetime] = mapped_column(Instant, doc="Only to end idle desk sessions; shown nowhere.")
    ends_at: Mapped[datetime] = mapped_column(Instant, doc="At the latest.")
    revoked_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Signed out, or ended by an administrator."
    )

    user: Mapped[User] = relationship(lazy="joined")
    device: Mapped[Device | None] = relationship(
        primaryjoin="and_(foreign(UserSession.device_uuid) == Device.device_uuid, "
        "foreign(UserSession.user_id) == Device.user_id)",
        lazy="joined",
        viewonly=True,
    )

    @property
    def hand_in(self) -> str | None:
        """Why this session may only hand in what its phone still holds, or None when it may do as its account may."""
        if not self.user.is_active:
            return "account_ended"
        return "device_revoked" if self.device is not None and self.device.revoked_at is not None else None


class Device(Base):
    """A phone an account has signed in on. When it was last used is not kept: nobody is watched."""

    __tablename__ = "devices"

    device_uuid: Mapped[str] = mapped_column(UuidText, primary_key=True, doc="Made on the phone.")
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True, doc="Whose work it holds.")
    registered_at: Mapped[datetime] = mapped_column(Instant, doc="First sign-in on it.")
    revoked_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Replaced or lost: from then on it may only hand in."
    )
    erased_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="It had handed in everything and erased itself."
    )


class PinCode(Base):
    """A code, good once, with which a worker who has forgotten the phone's PIN sets a new one."""

    __tablename__ = "pin_codes"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True, doc="For whom.")
    code_hash: Mapped[str] = mapped_column(String(64), doc="Keyed hash of the code.")
    made_by: Mapped[int] = mapped_column(ForeignKey(User.id), doc="Who gave it out.")
    made_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    ends_at: Mapped[datetime] = mapped_column(Instant, doc="Worth nothing from then on.")
    failures: Mapped[int] = mapped_column(default=0, doc="Wrong codes tried.")
    used_at: Mapped[datetime | None] = mapped_column(Instant, doc="When it was used.")


class SignInFailure(Base):
    """Wrong passwords for a name, whether or not such an account exists."""

    __tablename__ = "sign_in_failures"

    name_hash: Mapped[str] = mapped_column(
        String(64), primary_key=True, doc="Keyed hash of the name tried, so that the list tells no names."
    )
    count: Mapped[int] = mapped_column(doc="Wrong passwords in a row.")
    last_at: Mapped[datetime] = mapped_column(Instant, doc="When the last one was.")


class Deputy(Base):
    """AB角: who decides in an account's place, for a time."""

    __tablename__ = "deputies"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True, doc="In whose place.")
    deputy_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True, doc="Who decides.")
    from_on: Mapped[date] = mapped_column(doc="First day.")
    until_on: Mapped[date] = mapped_column(doc="Last day.")
    named_at: Mapped[datetime] = mapped_column(Instant, doc="When it was said.")
    ended_at: Mapped[datetime | None] = mapped_column(Instant, doc="Taken back before its last day.")

    user: Mapped[User] = relationship(foreign_keys=[user_id], viewonly=True)
