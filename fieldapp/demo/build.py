"""Builds the demo county in an empty installation: areas, accounts, households, visits, flags, follow-ups, a sweep.

Invariant: visits and decisions go through the same actions as real ones; running it again changes nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app

from fieldapp.aid.actions import Given, Subject, enter_aid
from fieldapp.areas.actions import add_grid, add_unit, load_areas, set_duty_phone
from fieldapp.areas.queries import find_area, get_area, get_names
from fieldapp.core import clock, storage
from fieldapp.core.db import transaction
from fieldapp.demo import county, desk, photos
from fieldapp.demo.history import DrawnPhoto, finished_at, let_happen
from fieldapp.demo.stories import list_photo_stories, worker_of
from fieldapp.followups.duty_actions import add_shift
from fieldapp.followups.referral_actions import add_provider
from fieldapp.notices.actions import settle
from fieldapp.people.actions import add_household
from fieldapp.people.models import Household, Person, PersonTag
from fieldapp.people.queries import find_household
from fieldapp.policies.queries import find_policy
from fieldapp.relief import actions as relief
from fieldapp.relief.fund_actions import top_up
from fieldapp.reviews import policy_actions
from fieldapp.revisits import actions as revisit_actions
from fieldapp.revisits.models import RevisitPolicy
from fieldapp.sweeps.actions import Plan, make_sweep, open_sweep, tell_phones
from fieldapp.users.actions import add_user, hasher
from fieldapp.users.queries import find_user_by_name

LOGIN_FILE = "demo-password"
# Long enough ago for the accounts to have been in charge at every visit of the demo.
ACCOUNTS_SINCE = timedelta(days=400)


@dataclass(frozen=True)
class DemoResult:
    """The accounts of the demo, and the password they share."""

    accounts: tuple[county.Account, ...]
    password: str


def build_demo(now: datetime) -> DemoResult:
    """Build what is missing of the demo county and return its logins.

    Needs the code tables and the checklists of the library. Runs transactions of its own.
    """
    password, is_new = _read_or_make_password(current_app.config["FIELDAPP"].data_dir / LOGIN_FILE)
    with transaction():
        _add_areas()
        _add_accounts(password, now, renew=is_new)
    roster = county.read_roster()
    # Households and their visits in one transaction: after a power cut there are all or none.
    if find_household(roster[0].household_uuid) is None:
        drawn = _store_photos(roster, now)
        with transaction():
            _add_households(roster, now)
            _put_on_duty(now)
            _add_providers(now)
            # Whoever approves visits in the demo is not surprised by a lot.
            _set_revisit_policy(now - ACCOUNTS_SINCE)
            _set_policy(0, now - ACCOUNTS_SINCE, accepts=False, reason="试运行期间逐条审核。")
            let_happen(roster, drawn, now)
            desk.let_happen(now)
            _enter_aid(roster, now)
            _open_relief(roster, now)
            sweep_id = _open_sweep(now)
            _set_policy(1, now, accepts=True, reason="试运行结束，无异常的走访自动通过，抽查5%。")
        tell_phones(sweep_id)
    return DemoResult(county.ACCOUNTS, password)


def _add_areas() -> None:
    load_areas([county.COUNTY, county.PROPER])
    villages = get_names(code[:12] for code in county.GRIDS)
    for code, number in county.GRIDS.items():
        add_grid(code, f"{villages[code[:12]]}第{number}网格")
    if find_area(county.STATION) is None:
        add_unit(get_area(county.PROPER), county.STATION, county.STATION_NAME, county.STATION_FACTS)
    for code, phone in county.DUTY_PHONES.items():
        if get_area(code).duty_phone is None:
            set_duty_phone(code, phone)


def _add_accounts(password: str, now: datetime, *, renew: bool) -> None:
    for account in county.ACCOUNTS:
        user = find_user_by_name(account.username)
        if user is None:
            add_user(
                account.username,
                password,
                account.display_name,
                account.role,
                list(account.area_codes),
                actor=None,
                now=now - ACCOUNTS_SINCE,
            )
        elif renew:
            user.password_hash = hasher.hash(password)


def _put_on_duty(now: datetime) -> None:
    """Somebody for the township and the county, since midnight and for a week."""
    starts_at = clock.midnight(clock.local_date(now))
    for code, username in county.ON_DUTY.items():
        user = find_user_by_name(username)
        assert user is not None
        phone, ends_at = county.DUTY_PHONES[code], starts_at + timedelta(days=7)
        add_shift(user, code, user.id, phone, starts_at=starts_at, ends_at=ends_at, now=now)


def _add_providers(now: datetime) -> None:
    officer = find_user_by_name("officer")
    assert officer is not None
    for name, kind, area, services, address, contact, phone in county.PROVIDERS:
        values = {
            "name": name,
            "kind": kind,
            "services": services,
            "address": address,
            "contact": contact,
            "phone": phone,
            "note": None,
            "takes_referrals": True,
        }
        add_provider(officer, area, values, now)


def _add_households(roster: list[county.RosterHousehold], now: datetime) -> None:
    villages = get_names(code[:12] for code in county.GRIDS)
    today = clock.local_date(now)
    for entry in roster:
        # Where the demo has no worker, the last visit is known from the register only.
        last_at = None if worker_of(entry) else now - timedelta(days=entry.visited_days_ago)
        lat, lon = entry.place or (None, None)
        household = Household(
            household_uuid=entry.household_uuid,
            grid_code=entry.grid_code,
            name=entry.name,
            address=villages.get(entry.grid_code[:12], "") + entry.address,
            phone=entry.phone,
            lat=lat,
            lon=lon,
            datum="WGS84" if entry.place else None,
            note=entry.note,
            last_visit_on=clock.local_date(last_at) if last_at else None,
        )
        household.people = [
            Person(
                person_uuid=person.person_uuid,
                name=person.name,
                relation=person.relation,
                sex=person.sex,
                birth_on=person.birth_on(today),
                id_number=person.id_number(today),
                phone=person.phone,
                main_class=person.main_class,
                risk=person.risk,
                last_contact_at=last_at,
                counted_on=clock.local_date(last_at) if last_at else None,
                tags=[PersonTag(tag=tag) for tag in person.tags],
            )
            for person in entry.people
        ]
        add_household(household, now)


def _enter_aid(roster: list[county.RosterHousehold], now: datetime) -> None:
    supervisor = find_user_by_name("supervisor")
    assert supervisor is not None
    by_number = {household.number: household.household_uuid for household in roster}
    for place, (number, days, given) in enumerate(county.AID):
        household = find_household(by_number[number])
        assert household is not None
        enter_aid(
            supervisor,
            str(uuid.uuid5(county.NAMESPACE, f"aid {place}")),
            Subject(household=household),
            Given(**given),
            is_given=days <= 0,
            on=clock.local_date(now) + timedelta(days=days),
            received_by=None,
            now=now,
        )


def _open_relief(roster: list[county.RosterHousehold], now: datetime) -> None:
    """A township's fund, and three cases: for the leader, for the county, and aid that came first without its papers."""
    supervisor, leader, officer = (find_user_by_name(name) for name in ("supervisor", "leader", "officer"))
    assert supervisor
    assert leader
    assert officer
    top_up(officer, county.TOWNSHIP, 50_000_00, reason="县财政第四季度备用金", now=now - timedelta(days=30))
    by_number = {household.number: household.household_uuid for household in roster}
    for place, told in enumerate(county.RELIEF):
        case_id, then = str(uuid.uuid5(county.NAMESPACE, f"relief {place}")), now - told.ago
        household = find_household(by_number[told.household]) if told.household else None
        details = relief.Details(**{"area_code": county.TOWNSHIP, **told.details})
        if household is not None:
            details = replace(details, area_code=household.grid_code)
        relief.open_case(supervisor, case_id, details, relief.Origin(household=household), then)
        relief.accept_case(supervisor, case_id, then)
        if details.is_urgent:
            relief.approve_relief(leader, case_id, cents=told.cents, funded_by="reserve_fund", now=then)
            aid_uuid = str(uuid.uuid5(county.NAMESPACE, f"relief {place} paid"))
            relief.pay_relief(
                supervisor,
                case_id,
                aid_uuid,
                cents=told.cents,
                on=clock.local_date(then),
                received_by=None,
                now=then,
            )
        else:
            relief.note_findings(supervisor, case_id, text=told.findings, now=then)
            relief.propose_relief(
                supervisor, case_id, cents=told.cents, funded_by="public", text=None, now=then
            )
        # The inbox of the demo begins empty.
        settle("relief", case_id, now)


def _open_sweep(now: datetime) -> int:
    """A sweep that goes on for some days: whoever was visited since it began is reached."""
    officer = find_user_by_name("officer")
    assert officer is not None
    begun = now - county.SWEEP_SINCE
    today = clock.local_date(now)
    plan = Plan(
        name=county.SWEEP,
        area_code=county.SWEPT,
        from_on=clock.local_date(begun),
        until_on=today + county.SWEEP_LEFT,
        methods=["home"],
        checklist_key=None,
        criteria={"classes": [], "tags": [], "risks": [], "overdue": False},
    )
    sweep = make_sweep(officer, str(uuid.uuid5(county.NAMESPACE, "sweep")), plan, begun)
    open_sweep(officer, sweep.sweep_id, begun)
    return sweep.sweep_id


def _set_policy(based_on: int, now: datetime, *, accepts: bool, reason: str) -> None:
    officer = find_user_by_name("officer")
    assert officer is not None
    policy_actions.set_policy(
        officer,
        county.COUNTY,
        based_on=based_on,
        accepts=accepts,
        share_percent=5,
        checklists=[],
        classes=[],
        reason=reason,
        now=now,
    )


def _set_revisit_policy(now: datetime) -> None:
    officer = find_user_by_name("officer")
    assert officer is not None
    held = find_policy(RevisitPolicy, county.COUNTY)
    terms = {**revisit_actions.FIRST, "share_percent": 0, "more_percent": 0}
    revisit_actions.set_policy(
        officer,
        county.COUNTY,
        based_on=held.number if held else 0,
        reason="试点期间不抽，由县里点名回访。",
        now=now,
        **terms,
    )


def _store_photos(roster: list[county.RosterHousehold], now: datetime) -> dict[tuple[int, int], DrawnPhoto]:
    """Draw and store the photos of the visits, by number of the household and days ago of the visit."""
    drawn = {}
    for household, story in list_photo_stories(roster):
        taken_at = finished_at(household, story, now) - timedelta(minutes=3)
        body = photos.draw_photo(household.number, taken_at)
        sha256 = hashlib.sha256(body).hexdigest()
        worker = find_user_by_name(worker_of(household) or "")
        assert worker is not None
        storage.store_attachment(sha256, io.BytesIO(body), worker.id, now)
        drawn[household.number, story.days_ago] = DrawnPhoto(sha256, len(body), taken_at)
    return drawn


def _read_or_make_password(path: Path) -> tuple[str, bool]:
    """The password in `path`, readable by its owner only, and whether it was made just now."""
    if path.exists() and (kept := path.read_text(encoding="ascii").strip()):
        return kept, False
    # Easy to read aloud and to type on a phone; without letters that look alike. About 60 bits.
    letters = "abcdefghjkmnpqrstuvwxyz"
    groups = ["".join(secrets.choice(letters) for _ in range(4)) for _ in range(3)]
    password = "-".join([*groups, f"{secrets.randbelow(90) + 10}"])
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(password + "\n")
    return password, True
