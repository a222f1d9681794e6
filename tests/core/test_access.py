"""Every route is walked with every role: who may call it, and that nobody sees beyond their areas."""

from __future__ import annotations

import io
import re
import uuid
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from fieldapp.aid import actions as aid
from fieldapp.areas.models import Area
from fieldapp.checklists import actions as checklists
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.guard import ROLES, roles_of
from fieldapp.followups import referral_actions as referrals
from fieldapp.followups.duty_actions import add_shift
from fieldapp.followups.models import Followup, Incident
from fieldapp.imports import actions as imports
from fieldapp.imports.tables import Limits
from fieldapp.notices import channel_actions as channels
from fieldapp.notices.models import Notice
from fieldapp.payments import actions as payments
from fieldapp.payments.rules import Whole
from fieldapp.people.actions import add_household
from fieldapp.people.models import Household
from fieldapp.people.period_actions import start_period
from fieldapp.relief import actions as relief, fund_actions
from fieldapp.reports import queries as reports
from fieldapp.reports.models import ReportSheet
from fieldapp.reviews import merge_actions as merging
from fieldapp.reviews.actions import ask_for_revisit
from fieldapp.reviews.models import Flag
from fieldapp.rollups.queries import get_week
from fieldapp.screenings import actions as screenings
from fieldapp.sweeps import actions as sweeps
from fieldapp.sweeps.lists import read_list
from fieldapp.sync.rules import body_hash
from fieldapp.tables import actions as tables
from fieldapp.tables.rules import Choice
from fieldapp.users import actions as users, deputies
from fieldapp.users.models import User
from tests.checklists.vectors import workbook_of
from tests.factories import GRID, PASSWORD, TOWNSHIP, County, Desk, Phone, draw_photo, make_household
from tests.followups.test_referrals import PROVIDER

EVERYONE: frozenset[str] = frozenset({"", *ROLES})
SIGNED_IN = frozenset(ROLES)
READERS = frozenset({"supervisor", "leader", "officer"})
SUPERVISOR = frozenset({"supervisor"})
WORKER = frozenset({"worker"})
OFFICER = frozenset({"officer"})
LEADER = frozenset({"leader"})
SETTLERS = frozenset({"supervisor", "officer"})
IMPORTERS = SETTLERS
ADMIN = frozenset({"admin"})
SECURITY = frozenset({"security"})

# Who may call what; a new route must be entered here on purpose.
ACCESS: dict[tuple[str, str], frozenset[str]] = {
    ("GET", "/healthz"): EVERYONE,
    ("GET", "/readyz"): EVERYONE,
    ("GET", "/static/<path:name>"): EVERYONE,
    ("GET", "/app"): EVERYONE,
    ("GET", "/app/"): EVERYONE,
    ("GET", "/app/sw.js"): EVERYONE,
    ("GET", "/app/manifest.webmanifest"): EVERYONE,
    ("GET", "/"): SIGNED_IN,
    ("GET", "/sign-in"): EVERYONE,
    ("POST", "/sign-in"): EVERYONE,
    ("POST", "/sign-out"): EVERYONE,
    ("POST", "/language"): EVERYONE,
    ("GET", "/accounts"): ADMIN,
    ("POST", "/accounts/<int:user_id>/sign-out"): ADMIN,
    ("POST", "/accounts/<int:user_id>/unlock"): ADMIN,
    ("POST", "/accounts/<int:user_id>/end"): ADMIN,
    ("GET", "/accounts/<int:user_id>"): ADMIN,
    ("POST", "/accounts/<int:user_id>/grant-area"): ADMIN,
    ("POST", "/accounts/<int:user_id>/withdraw-area"): ADMIN,
    ("POST", "/accounts/<int:user_id>/restricted-tags"): ADMIN,
    ("GET", "/phones"): SUPERVISOR | SECURITY,
    ("POST", "/phones/<int:user_id>/pin-code"): SUPERVISOR,
    ("POST", "/phones/<int:user_id>/<uuid:device_uuid>/revoke"): SECURITY,
    ("GET", "/checklists"): READERS,
    ("POST", "/checklists"): OFFICER,
    ("GET", "/checklist-upload"): OFFICER,
    ("POST", "/checklist-publications/<int:publication_id>/retire"): OFFICER,
    ("GET", "/checklists/<key>"): READERS,
    ("POST", "/checklists/<key>/registry/<area_code>"): OFFICER,
    ("GET", "/checklists/<key>/<version>"): READERS,
    ("GET", "/checklists/<key>/<version>/document"): READERS,
    ("GET", "/checklists/<key>/<version>/files/<filename>"): READERS,
    ("GET", "/checklists/<key>/<version>/frame"): READERS,
    ("GET", "/checklists/<key>/<version>/preview"): READERS,
    ("GET", "/checklists/<key>/<version>/workbook"): READERS,
    ("POST", "/checklists/<key>/<version>/delete"): OFFICER,
    ("POST", "/checklists/<key>/<version>/publish"): OFFICER,
    ("POST", "/checklists/<key>/<version>/read"): READERS,
    ("GET", "/flag-rules"): READERS,
    ("GET", "/flag-rules/rule"): READERS,
    ("POST", "/flag-rules/<county_code>/<rule>"): OFFICER,
    ("GET", "/aid"): READERS,
    ("GET", "/aid/new"): SETTLERS,
    ("GET", "/aid/new/<kind>"): SETTLERS,
    ("POST", "/aid/new/<kind>"): SETTLERS,
    ("GET", "/aid/<uuid:aid_uuid>"): READERS,
    ("POST", "/aid/<uuid:aid_uuid>/give"): SETTLERS,
    ("POST", "/aid/<uuid:aid_uuid>/cancel"): SETTLERS,
    ("POST", "/aid/<uuid:aid_uuid>/reverse"): SETTLERS,
    ("POST", "/aid/<uuid:aid_uuid>/receipt"): SETTLERS,
    ("GET", "/aid/policy"): READERS,
    ("GET", "/followups/<uuid:followup_id>/aid"): READERS,
    ("POST", "/aid/policy/<code>"): OFFICER,
    ("GET", "/households/<uuid:household_uuid>/aid"): READERS,
    ("GET", "/tables"): SETTLERS,
    ("GET", "/tables/table"): SETTLERS,
    ("POST", "/tables/table/file"): SETTLERS,
    ("POST", "/tables/table/save"): SETTLERS,
    ("GET", "/tables/<int:table_id>"): SETTLERS,
    ("POST", "/tables/<int:table_id>/rename"): SETTLERS,
    ("POST", "/tables/<int:table_id>/delete"): SETTLERS,
    ("GET", "/reports"): READERS,
    ("GET", "/reports/<report_id>"): READERS,
    ("GET", "/reports/<report_id>.xlsx"): READERS,
    ("GET", "/reports/<report_id>/sheets/<int:number>"): READERS,
    ("GET", "/reports/<report_id>/records/<part>/<column>"): READERS,
    ("POST", "/reports/<report_id>/confirm"): OFFICER,
    ("POST", "/reports/<report_id>/correct"): OFFICER,
    ("GET", "/reports/<report_id>/return/<county_code>"): OFFICER,
    ("POST", "/reports/<report_id>/return/<county_code>"): OFFICER,
    ("GET", "/relief"): READERS,
    ("GET", "/relief/new"): SETTLERS,
    ("POST", "/relief/new"): SETTLERS,
    ("GET", "/relief/<uuid:case_id>"): READERS,
    ("GET", "/relief/<uuid:case_id>/edit"): SETTLERS,
    ("POST", "/relief/<uuid:case_id>/edit"): SETTLERS,
    ("POST", "/relief/<uuid:case_id>/accept"): SETTLERS,
    ("POST", "/relief/<uuid:case_id>/findings"): SETTLERS,
    ("POST", "/relief/<uuid:case_id>/propose"): SETTLERS,
    ("POST", "/relief/<uuid:case_id>/approve"): READERS,
    ("POST", "/relief/<uuid:case_id>/return"): READERS,
    ("POST", "/relief/<uuid:case_id>/refuse"): READERS,
    ("POST", "/relief/<uuid:case_id>/withdraw"): SETTLERS,
    ("POST", "/relief/<uuid:case_id>/pay"): SETTLERS,
    ("POST", "/relief/<uuid:case_id>/take-back"): SETTLERS,
    ("POST", "/relief/<uuid:case_id>/papers"): SETTLERS,
    ("POST", "/relief/<uuid:case_id>/close"): SETTLERS,
    ("GET", "/relief/funds"): READERS,
    ("GET", "/relief/funds/<township_code>"): READERS,
    ("POST", "/relief/funds/<township_code>/top-up"): OFFICER,
    ("POST", "/relief/fund-entries/<int:entry_id>/reverse"): OFFICER,
    ("GET", "/relief/public"): READERS,
    ("GET", "/relief/public/workbook"): READERS,
    ("GET", "/relief/policy"): READERS,
    ("POST", "/relief/policy/<code>"): OFFICER,
    ("GET", "/deputy"): OFFICER | LEADER,
    ("POST", "/deputy"): OFFICER | LEADER,
    ("POST", "/deputy/<int:deputy_row_id>/end"): OFFICER | LEADER,
    ("GET", "/map"): READERS,
    ("GET", "/coverage"): READERS,
    ("GET", "/coverage/people"): READERS,
    ("GET", "/coverage/problems"): READERS,
    ("GET", "/map/points"): READERS,
    ("GET", "/followups"): READERS,
    ("GET", "/followups/board"): READERS,
    ("GET", "/followups/<uuid:followup_id>"): READERS,
    ("POST", "/followups/<uuid:followup_id>/hand-out"): SETTLERS,
    ("POST", "/followups/<uuid:followup_id>/result"): SETTLERS,
    ("POST", "/followups/<uuid:followup_id>/verify"): SETTLERS,
    ("POST", "/followups/<uuid:followup_id>/reopen"): SETTLERS,
    ("POST", "/followups/<uuid:followup_id>/cancel"): SETTLERS,
    ("GET", "/followups/new"): SUPERVISOR,
    ("POST", "/followups/new"): SUPERVISOR,
    ("GET", "/followups/take-in"): SETTLERS,
    ("POST", "/followups/take-in"): SETTLERS,
    ("GET", "/providers"): READERS,
    ("POST", "/providers"): OFFICER,
    ("GET", "/providers/<int:provider_id>"): READERS,
    ("POST", "/providers/<int:provider_id>"): OFFICER,
    ("GET", "/followups/<uuid:followup_id>/refer"): SUPERVISOR,
    ("POST", "/followups/<uuid:followup_id>/refer"): SUPERVISOR,
    ("GET", "/referrals/<int:referral_id>"): READERS,
    ("POST", "/referrals/<int:referral_id>"): SUPERVISOR,
    ("GET", "/calendar"): READERS | ADMIN,
    ("POST", "/calendar"): ADMIN,
    ("POST", "/calendar/forget"): ADMIN,
    ("GET", "/feedback"): SETTLERS | ADMIN,
    ("GET", "/feedback/<uuid:feedback_uuid>"): SETTLERS | ADMIN,
    ("POST", "/feedback/<uuid:feedback_uuid>/answer"): SETTLERS | ADMIN,
    ("GET", "/notices"): SIGNED_IN,
    ("GET", "/notices/<int:notice_id>"): SIGNED_IN,
    ("POST", "/notices/read"): SIGNED_IN,
    ("GET", "/channels"): ADMIN | SECURITY,
    ("POST", "/channels"): ADMIN | SECURITY,
    ("GET", "/channels/<int:channel_id>"): ADMIN | SECURITY,
    ("POST", "/channels/<int:channel_id>"): ADMIN | SECURITY,
    ("POST", "/channels/<int:channel_id>/test"): ADMIN | SECURITY,
    ("POST", "/channels/deliveries/<uuid:delivery_id>/retry"): ADMIN | SECURITY,
    ("GET", "/incidents"): READERS,
    ("GET", "/incidents/alarm"): READERS,
    ("GET", "/incidents/<int:incident_id>"): READERS,
    ("POST", "/incidents/<int:incident_id>/acknowledge"): READERS,
    ("GET", "/duty"): READERS,
    ("POST", "/duty"): SETTLERS,
    ("POST", "/duty/<int:shift_id>/withdraw"): SETTLERS,
    ("GET", "/reviews"): READERS,
    ("GET", "/reviews/<uuid:visit_uuid>"): READERS,
    ("GET", "/reviews/<uuid:visit_uuid>/queue"): READERS,
    ("GET", "/reviews/<uuid:visit_uuid>/help"): READERS,
    ("GET", "/due/suggestions"): READERS,
    ("POST", "/reviews/approve-clean"): SUPERVISOR,
    ("POST", "/reviews/<uuid:visit_uuid>/approve"): READERS,
    ("POST", "/reviews/<uuid:visit_uuid>/claim"): READERS,
    ("POST", "/reviews/<uuid:visit_uuid>/reopen"): READERS,
    ("GET", "/review-policy"): READERS,
    ("POST", "/review-policy/<code>"): OFFICER,
    ("POST", "/reviews/<uuid:visit_uuid>/revisit"): SETTLERS,
    ("GET", "/revisits"): READERS,
    ("GET", "/revisits/<uuid:revisit_id>"): READERS,
    ("POST", "/revisits/<uuid:revisit_id>/close"): SETTLERS,
    ("GET", "/revisits/policy"): READERS,
    ("POST", "/revisits/policy/<code>"): OFFICER,
    ("POST", "/reviews/<uuid:visit_uuid>/return"): READERS,
    ("POST", "/reviews/<uuid:visit_uuid>/void"): READERS,
    ("POST", "/reviews/flags/<int:flag_id>/confirm"): READERS,
    ("POST", "/reviews/flags/<int:flag_id>/dismiss"): READERS,
    ("GET", "/people"): READERS,
    ("POST", "/people/search"): READERS,
    ("GET", "/people/registered"): READERS,
    ("POST", "/people/registered"): READERS,
    ("POST", "/households/<uuid:household_uuid>/people/alike"): SUPERVISOR,
    ("GET", "/people/new-household"): SUPERVISOR,
    ("POST", "/people/new-household"): SUPERVISOR,
    ("GET", "/households/<uuid:household_uuid>/edit"): SUPERVISOR,
    ("POST", "/households/<uuid:household_uuid>/edit"): SUPERVISOR,
    ("GET", "/households/<uuid:household_uuid>/history"): READERS,
    ("GET", "/households/<uuid:household_uuid>/numbers"): READERS,
    ("POST", "/households/<uuid:household_uuid>/numbers"): READERS,
    ("GET", "/households/<uuid:household_uuid>/people/new"): SUPERVISOR,
    ("POST", "/households/<uuid:household_uuid>/people/new"): SUPERVISOR,
    ("GET", "/people/notice"): READERS,
    ("GET", "/people/my-relatives"): READERS,
    ("GET", "/people/<uuid:person_uuid>/relatives"): READERS,
    ("POST", "/people/<uuid:person_uuid>/relatives"): READERS,
    ("POST", "/people/<uuid:person_uuid>/relatives/<int:user_id>/withdraw"): READERS,
    ("GET", "/people/<uuid:person_uuid>/edit"): SUPERVISOR,
    ("POST", "/people/<uuid:person_uuid>/edit"): SUPERVISOR,
    ("GET", "/people/<uuid:person_uuid>/leaving"): SUPERVISOR,
    ("POST", "/people/<uuid:person_uuid>/death"): SUPERVISOR,
    ("POST", "/people/<uuid:person_uuid>/moving-away"): SUPERVISOR,
    ("POST", "/people/<uuid:person_uuid>/back"): SUPERVISOR,
    ("GET", "/households/<uuid:household_uuid>"): READERS,
    ("GET", "/households/<uuid:household_uuid>/move"): SETTLERS,
    ("GET", "/households/<uuid:household_uuid>/story"): READERS,
    ("POST", "/households/<uuid:household_uuid>/move"): SETTLERS,
    ("GET", "/households/<uuid:household_uuid>/record"): READERS,
    ("POST", "/households/<uuid:household_uuid>/record"): READERS,
    ("GET", "/households/<uuid:household_uuid>/blank-record"): READERS,
    ("GET", "/areas/<code>/ledger"): READERS,
    ("GET", "/areas/<code>/ledger.xlsx"): READERS,
    ("GET", "/households/<uuid:household_uuid>/entry"): SUPERVISOR,
    ("GET", "/households/<uuid:household_uuid>/entry/form"): SUPERVISOR,
    ("POST", "/api/households/<uuid:household_uuid>/entry"): SUPERVISOR,
    ("PUT", "/api/households/<uuid:household_uuid>/entry/attachments/<sha256>"): SUPERVISOR,
    ("GET", "/reviews/<uuid:visit_uuid>/correct"): SUPERVISOR,
    ("GET", "/duplicates"): READERS,
    ("GET", "/duplicates/ruled-out"): READERS,
    ("POST", "/duplicates/rule-out"): SUPERVISOR,
    ("POST", "/duplicates/take-back"): SUPERVISOR,
    ("GET", "/duplicates/people/<uuid:person_uuid>/<uuid:other_person_uuid>"): READERS,
    ("POST", "/duplicates/people/<uuid:person_uuid>/<uuid:other_person_uuid>"): SUPERVISOR,
    ("GET", "/duplicates/households/<uuid:household_uuid>/<uuid:other_household_uuid>"): READERS,
    ("POST", "/duplicates/households/<uuid:household_uuid>/<uuid:other_household_uuid>"): SUPERVISOR,
    ("GET", "/merges/<int:merge_id>"): READERS,
    ("POST", "/merges/<int:merge_id>/undo"): SUPERVISOR,
    ("GET", "/due"): READERS,
    ("GET", "/periods"): READERS,
    ("POST", "/periods"): OFFICER,
    ("POST", "/periods/<int:period_id>/end"): OFFICER,
    ("POST", "/periods/<int:period_id>/work-out"): OFFICER,
    ("GET", "/periods/<int:period_id>/progress"): READERS,
    ("GET", "/sweeps"): READERS,
    ("POST", "/sweeps"): OFFICER,
    ("GET", "/sweeps/new"): OFFICER,
    ("GET", "/sweeps/<int:sweep_id>"): READERS,
    ("GET", "/sweeps/<int:sweep_id>/not-reached.xlsx"): READERS,
    **{
        ("POST", f"/sweeps/<int:sweep_id>/{step}"): OFFICER
        for step in ("open", "add", "tell", "close", "discard")
    },
    ("GET", "/screenings"): OFFICER,
    ("POST", "/screenings"): OFFICER,
    ("GET", "/screenings/<int:screening_id>"): OFFICER,
    **{("POST", f"/screenings/<int:screening_id>/{step}"): OFFICER for step in ("look", "sweep", "discard")},
    ("GET", "/areas"): READERS,
    ("GET", "/areas/<code>"): READERS,
    **{
        ("POST", f"/areas/<code>/{deed}"): OFFICER
        for deed in ("grids", "units", "unit", "rename", "move", "end", "split", "merge")
    },
    ("GET", "/imports"): IMPORTERS,
    ("POST", "/imports"): IMPORTERS,
    ("GET", "/imports/<int:import_id>"): IMPORTERS,
    ("POST", "/imports/<int:import_id>/columns"): IMPORTERS,
    ("POST", "/imports/<int:import_id>/go-on"): IMPORTERS,
    ("POST", "/imports/<int:import_id>/apply"): IMPORTERS,
    ("POST", "/imports/<int:import_id>/undo"): IMPORTERS,
    ("POST", "/imports/<int:import_id>/throw-away"): IMPORTERS,
    ("GET", "/imports/<int:import_id>/refused.xlsx"): IMPORTERS,
    ("GET", "/calendar/weeks"): READERS | ADMIN,
    ("POST", "/calendar/weeks"): ADMIN,
    ("GET", "/payments"): SETTLERS,
    ("POST", "/payments"): SETTLERS,
    ("GET", "/payments/<int:list_id>"): SETTLERS,
    **{
        ("POST", f"/payments/<int:list_id>/{deed}"): SETTLERS
        for deed in ("columns", "go-on", "compare", "take", "undo", "throw-away", "unmatched.xlsx")
    },
    ("GET", "/payments/<int:list_id>/rows/<int:row_number>"): SETTLERS,
    ("POST", "/payments/<int:list_id>/rows/<int:row_number>"): SETTLERS,
    ("GET", "/quarantine"): SETTLERS,
    ("GET", "/quarantine/recorded"): SETTLERS,
    ("GET", "/quarantine/<int:user_id>/<uuid:op_uuid>/<body_hash>"): SETTLERS,
    ("POST", "/quarantine/<int:user_id>/<uuid:op_uuid>/<body_hash>/take-in"): SETTLERS,
    ("POST", "/quarantine/<int:user_id>/<uuid:op_uuid>/<body_hash>/refuse"): SETTLERS,
    ("GET", "/handover"): SUPERVISOR,
    ("POST", "/handover"): SUPERVISOR,
    ("GET", "/api/session"): EVERYONE,
    ("POST", "/api/session"): EVERYONE,
    ("DELETE", "/api/session"): EVERYONE,
    ("POST", "/api/session/key"): WORKER,
    ("POST", "/api/sync/push"): WORKER,
    ("GET", "/api/sync/pull"): WORKER,
    ("POST", "/api/sync/notices-read"): WORKER,
    ("PUT", "/api/attachments/<sha256>"): WORKER,
    ("GET", "/api/attachments/<sha256>"): READERS | WORKER,
}
# What stays open to a phone that may only hand in, beside what is open to everyone; the start page leads to the app.
HANDS_IN = {
    ("GET", "/"),
    ("POST", "/api/session/key"),
    ("POST", "/api/sync/push"),
    ("PUT", "/api/attachments/<sha256>"),
}
# Needs more than the role to open: a notice is one account's own.
OWN = {"/static/<path:name>", "/api/sync/pull", "/notices/<int:notice_id>"}
# Ends the session it is called with; walked on their own.
ENDS_SESSION = {
    ("POST", "/sign-out"),
    ("DELETE", "/api/session"),
    ("POST", "/api/session"),
    ("POST", "/sign-in"),
}


@pytest.fixture
def records(app, county) -> dict[str, object]:
    """One record of each kind, all in the worker's grid."""
    phone = Phone(app, county)
    photo = draw_photo()
    sha256 = phone.put_photo(photo).json["sha256"]
    body = phone.visit(
        {"reached": "reached", "home": {"food_days": "lt3"}},
        attachments=[{"sha256": sha256, "question": "photo", "taken_at": None, "size": len(photo)}],
    )
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    feedback = {"feedback_uuid": str(uuid.uuid4()), "topic": "app", "text": "字太小"}
    assert phone.push(phone.op("feedback.send", feedback))[0]["outcome"] == "accepted"
    other = Phone(app, county, "worker2")
    quarantined = other.op("visit.submit", other.visit())
    assert other.push(quarantined)[0]["outcome"] == "rejected"
    with app.app_context():
        return {
            **_make_checklist(),
            "import_id": _bring_roster(),
            **_bring_payments(),
            "op_uuid": quarantined["op_uuid"],
            "body_hash": body_hash(quarantined["body"]),
            "visit_uuid": body["visit_uuid"],
            "household_uuid": county.household_uuid,
            "person_uuid": county.person_uuids[0],
            "other_person_uuid": county.person_uuids[1],
            **_merge_households(),
            "followup_id": db.session.scalars(select(Followup.followup_id)).first(),
            "flag_id": db.session.scalars(select(Flag.id)).first(),
            "incident_id": db.session.scalars(select(Incident.id)).first(),
            "notice_id": db.session.scalars(
                select(Notice.id).where(Notice.user_id == county.users["officer"])
            ).first(),
            **_send_outside(county),
            "shift_id": _put_on_duty(),
            **_refer_task(),
            "aid_uuid": _enter_aid(),
            **_open_relief(),
            **_keep_sheet(),
            "table_id": _save_table(),
            "feedback_uuid": feedback["feedback_uuid"],
            "kind": "cash",
            "county_code": GRID[:6],
            "rule": "far_from_home",
            "period_id": _start_period(),
            "sweep_id": _open_sweep(),
            "screening_id": _keep_screening(),
            "revisit_id": _ask_for_revisit(body["visit_uuid"]),
            "code": GRID,
            "user_id": county.users["worker2"],
            "device_uuid": phone.device_uuid,
            "sha256": sha256,
            "name": "nothing.js",
        }


def _send_outside(county: County) -> dict[str, object]:
    """A channel with a message that waits."""
    values = {
        "name": "县值班群",
        "area_code": None,
        "url": "json://localhost/",
        "roles": ["officer"],
        "severities": ["red"],
        "quiet_from": time(21),
        "quiet_to": time(7),
        "is_on": True,
    }
    now = clock.now()
    admin = db.session.get_one(User, county.users["admin"])
    with transaction():
        channel = channels.add_channel(admin, values, now)
        delivery = channels.make_delivery(
            channel, now, cause="channel.test", subject="channel", subject_id=str(channel.id)
        )
        db.session.add(delivery)
        return {"channel_id": channel.id, "delivery_id": delivery.delivery_id}


def _put_on_duty() -> int:
    """The shift of the supervisor who is on duty for the worker's township."""
    supervisor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
    now = clock.now()
    with transaction():
        return add_shift(
            supervisor,
            TOWNSHIP,
            supervisor.id,
            "0451-00001010",
            starts_at=now,
            ends_at=now + timedelta(days=1),
            now=now,
        ).id


def _ask_for_revisit(visit_uuid: str) -> str:
    """The task of looking at the visit again."""
    officer = db.session.scalars(select(User).where(User.username == "officer")).one()
    with transaction():
        return ask_for_revisit(officer, visit_uuid, reason="家属来电", now=clock.now()).followup_id


def _refer_task() -> dict[str, object]:
    """A body that helps in the worker's township, and a task referred to it."""
    officer, supervisor = (
        db.session.scalars(select(User).where(User.username == name)).one()
        for name in ("officer", "supervisor")
    )
    followup_id = db.session.scalars(select(Followup.followup_id)).first() or ""
    now = clock.now()
    with transaction():
        provider_id = referrals.add_provider(officer, TOWNSHIP, PROVIDER, now).id
        referral_id = referrals.refer_followup(
            supervisor, followup_id, provider_id, text="请接收", now=now
        ).id
    return {"provider_id": provider_id, "referral_id": referral_id}


def _enter_aid() -> str:
    """Money that is due to the worker's household."""
    supervisor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
    household = db.session.scalars(select(Household).where(Household.grid_code == GRID).limit(1)).one()
    now = clock.now()
    with transaction():
        return aid.enter_aid(
            supervisor,
            str(uuid.uuid4()),
            aid.Subject(household=household),
            aid.Given(kind="cash", programme="heating", source="public", amount_cents=500_00),
            is_given=False,
            on=clock.local_date(now),
            received_by=None,
            now=now,
        ).aid_uuid


def _keep_sheet() -> dict[str, object]:
    """The report of the worker's township for this week, with a sheet of it, and one of its numbers."""
    officer = db.session.scalars(select(User).where(User.username == "officer")).one()
    area = db.session.get_one(Area, TOWNSHIP)
    now = clock.now()
    week = get_week(now)
    with transaction():
        db.session.add(
            ReportSheet(
                area_code=area.code,
                week_on=week.ends_on,
                number=0,
                since_on=week.ends_on,
                figures=reports.write_figures(reports.read_live(area, week)),
                foot={},
                made_by_id=officer.id,
                made_at=now,
            )
        )
    return {
        "report_id": f"{area.code}-{week.ends_on}",
        "number": 0,
        "part": "week",
        "column": "persons",
    }


def _save_table() -> int:
    """A table of the worker's township that others who read it may open."""
    supervisor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
    choice = Choice(kind="visits", area=TOWNSHIP, columns=("day", "state"))
    with transaction():
        return tables.save_table(supervisor, "走访", choice, is_shared=True, now=clock.now()).id


def _open_relief() -> dict[str, object]:
    """A case of relief of the worker's township, money in its fund, and the leader's deputy."""
    supervisor, officer, leader = (
        db.session.scalars(select(User).where(User.username == name)).one()
        for name in ("supervisor", "officer", "leader")
    )
    now = clock.now()
    with transaction():
        case = relief.open_case(
            supervisor, str(uuid.uuid4()), relief.Details(area_code=GRID), relief.Origin(), now
        )
        entry = fund_actions.top_up(officer, TOWNSHIP, 100_00, reason="拨款", now=now)
        today = clock.local_date(now)
        deputy = deputies.name_deputy(leader, supervisor.id, today, today, now)
        return {
            "case_id": case.case_id,
            "entry_id": entry.id,
            "deputy_row_id": deputy.id,
            "township_code": TOWNSHIP,
        }


def _merge_households() -> dict[str, object]:
    """Two households of which one was merged into the other, and a third one to compare."""
    supervisor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
    now = clock.now()
    with transaction():
        one, two, three = (
            add_household(make_household(GRID, "赵洪生", []), now).household_uuid for _ in range(3)
        )
        merge_id = merging.merge(supervisor, "household", one, two, (), (0, 0), now).merge_id
    return {"other_household_uuid": three, "merge_id": merge_id}


def _bring_roster() -> int:
    """A file of people that the supervisor has brought in."""
    supervisor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
    content = io.BytesIO("姓名,网格\n刘玉珍,第1网格\n".encode())
    held = imports.stage(supervisor, "低保名册", "名册.csv", content, Limits(1000, 10), clock.now())
    return held.import_id


def _bring_payments() -> dict[str, object]:
    """A list of payments that the supervisor has brought in and compared."""
    supervisor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
    content = io.BytesIO("姓名,身份证后四位,金额\n刘玉珍,1234,500\n".encode())
    held = payments.stage(supervisor, "发放明细.csv", content, Limits(1000, 10), clock.now())
    whole = Whole("dibao", "public", "2026-10", clock.local_date(clock.now()))
    with transaction():
        payments.choose_columns(supervisor, held, held.fields, whole, clock.now())
    payments.go_on(held.list_id, clock.now(), 60)
    return {"list_id": held.list_id, "row_number": 2}


def _make_checklist() -> dict[str, object]:
    """A checklist of the worker's township, with a file of choices, in force there."""
    book = workbook_of(
        {
            "survey": [{"type": "select_one_from_file villages.csv", "name": "village", "label": "在哪个村"}],
            "settings": {"form_id": "winter"},
        }
    )
    files = {"villages.csv": b"name,label\na,A\n"}
    compiled = checklists.compile_upload(book, files)
    officer = db.session.scalars(select(User).where(User.username == "officer")).one()
    now = clock.now()
    with transaction():
        checklists.store_version(officer, TOWNSHIP, "winter.xlsx", book, files, compiled, now)
        checklists.register_checklist(
            officer, "winter", TOWNSHIP, owner="镇政府", purpose="冬季保暖", valid_until=None, now=now
        )
        [publication] = checklists.publish_version(
            officer, "winter", "1", [TOWNSHIP], from_on=clock.local_date(now), until_on=None, now=now
        )
    return {
        "key": "winter",
        "version": "1",
        "area_code": TOWNSHIP,
        "filename": "villages.csv",
        "publication_id": publication.id,
    }


def _start_period() -> int:
    """A special period in the worker's township."""
    officer = db.session.scalars(select(User).where(User.username == "officer")).one()
    now = clock.now()
    with transaction():
        return start_period(
            officer,
            TOWNSHIP,
            "寒潮",
            from_on=clock.local_date(now),
            until_on=None,
            risk_days={"high": 3},
            tags=[],
            pauses_exit=True,
            relaxed_papers=True,
            now=now,
        ).id


def _open_sweep() -> int:
    """A sweep over the worker's township that is going on."""
    officer = db.session.scalars(select(User).where(User.username == "officer")).one()
    now = clock.now()
    today = clock.local_date(now)
    everybody = {"classes": [], "tags": [], "risks": [], "overdue": False}
    plan = sweeps.Plan("大排查", TOWNSHIP, today, today, ["home"], None, everybody)
    with transaction():
        sweep = sweeps.make_sweep(officer, str(uuid.uuid4()), plan, now)
        return sweeps.open_sweep(officer, sweep.sweep_id, now).sweep_id


def _keep_screening() -> int:
    """A list that was compared with the registry of the worker's township."""
    officer = db.session.scalars(select(User).where(User.username == "officer")).one()
    now = clock.now()
    today = clock.local_date(now)
    rows = read_list(io.BytesIO("姓名\n刘玉珍\n".encode()), Limits(1000, 10), TOWNSHIP, today)
    with transaction():
        return screenings.keep_screening(
            officer,
            str(uuid.uuid4()),
            TOWNSHIP,
            "筛查",
            file_name="名单.csv",
            rows=rows,
            screened_on=today,
            now=now,
        ).screening_id


def path_of(rule: str, records: dict[str, object]) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(records[match.group(1)]), rule)


def test_access_table_names_every_route(app):
    rules = {
        (method, rule.rule): rule
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert set(rules) == set(ACCESS)
    for key, rule in rules.items():
        allowed = roles_of(app.view_functions[rule.endpoint])
        assert frozenset(allowed or EVERYONE) == ACCESS[key], key


def test_every_route_refuses_the_roles_that_may_not_call_it(app, records):
    walked = 0
    for role in ("", *ROLES):
        caller = Desk(app, role) if role else None
        client = caller.client if caller else app.test_client()
        token = client.get("/api/session").json["csrf_token"]
        for (method, rule), allowed in ACCESS.items():
            if role in allowed:
                continue
            walked += 1
            answer = client.open(
                path_of(rule, records), method=method, headers={"X-CSRFToken": token, "X-User-Id": "1"}
            )
            if role:
                assert answer.status_code == 403, (role, method, rule)
            elif rule.startswith("/api/"):
                assert answer.status_code == 401, (method, rule)
            else:
                assert answer.status_code == 302, (method, rule)
                assert answer.location.startswith("/sign-in"), (method, rule)
    assert walked > 100


def test_phone_that_may_only_hand_in_is_let_in_nowhere_else(app, county, records):
    phone = Phone(app, county)
    with app.app_context(), transaction():
        security = db.session.get_one(User, county.users["security"])
        users.revoke_device(security, phone.user_id, phone.device_uuid, "丢失", clock.now())
    assert phone.sign_in().json["hand_in"] == "device_revoked"
    for (method, rule), allowed in ACCESS.items():
        if "worker" not in allowed or "" in allowed:
            continue
        answer = phone.client.open(path_of(rule, records), method=method, headers=phone.headers)
        assert (answer.status_code == 403) is ((method, rule) not in HANDS_IN), (method, rule)


def test_every_page_opens_for_the_roles_that_may_read_it(app, records):
    for role in ROLES:
        client = Desk(app, role).client
        for (method, rule), allowed in ACCESS.items():
            if method != "GET" or role not in allowed or rule in OWN:
                continue
            path = path_of(rule, records)
            if rule == "/flag-rules/rule":
                path += f"?county={records['county_code']}&rule={records['rule']}"
            if rule in {"/followups/new", "/aid/new", "/aid/new/<kind>"}:
                path += f"?household={records['household_uuid']}"
            answer = client.get(path)
            answer.close()
            assert answer.status_code in {200, 204, 302, 308}, (role, rule, answer.status_code)


def test_outside_ones_area_everything_is_404(app, records):
    data = {"revision": "1", "answer": "好", "reason": "试一试", "due_on": "2030-01-01"}
    strangers = {name: Desk(app, name) for name in ("stranger", "stranger_officer")}
    missing = {
        **{
            key: str(uuid.uuid4())
            for key in (
                *("visit_uuid", "household_uuid", "person_uuid", "followup_id", "revisit_id", "op_uuid"),
                *("other_household_uuid", "other_person_uuid", "aid_uuid", "feedback_uuid", "case_id"),
            )
        },
        "flag_id": 999_999,
        "user_id": 999_999,
        "publication_id": 999_999,
        "period_id": 999_999,
        "sweep_id": 999_999,
        "screening_id": 999_999,
        "import_id": 999_999,
        "list_id": 999_999,
        "row_number": 77,
        "incident_id": 999_999,
        "shift_id": 999_999,
        "notice_id": 999_999,
        "provider_id": 999_999,
        "referral_id": 999_999,
        "merge_id": 999_999,
        "table_id": 999_999,
        "entry_id": 999_999,
        "deputy_row_id": 999_999,
        "township_code": "999999999",
        "report_id": "999999-2026-11-27",
        "number": 77,
        "part": "year",
        "column": "none",
        "kind": "none",
        "county_code": "999999",
        "rule": "none",
        "key": "none",
        "version": "77",
        "area_code": "999999",
        "code": "999999",
        "filename": "none.csv",
        "sha256": "0" * 64,
        "body_hash": "0" * 64,
        "name": "neither.js",
    }
    for (method, rule), allowed in ACCESS.items():
        if "<" not in rule or not allowed & READERS:
            continue
        desk = strangers["stranger" if "supervisor" in allowed else "stranger_officer"]
        # What is out of reach looks exactly like what does not exist.
        for known in (records, missing):
            answer = desk.client.open(
                path_of(rule, known), method=method, data={"csrf_token": desk.token, **data}
            )
            assert answer.status_code == 404, (
                method,
                rule,
                "out of reach" if known is records else "unknown",
            )


def test_lists_hold_nothing_from_outside_ones_area(app, records):
    stranger = Desk(app, "stranger")
    supervisor = Desk(app, "supervisor")
    for path in ("/reviews", "/reviews?state=all", "/followups", "/followups?state=all", "/quarantine"):
        assert "刘玉珍" not in stranger.get(path).text, path
    assert "刘玉珍" in supervisor.get("/reviews").text
    assert "刘玉珍" in supervisor.get("/followups").text
    assert "刘玉珍" in supervisor.get("/quarantine").text


@pytest.mark.parametrize("key", sorted(ENDS_SESSION | {("POST", "/language")}))
def test_writing_routes_refuse_a_request_without_csrf_token(app, county, key):
    method, path = key
    answer = app.test_client().open(path, method=method, data={"username": "worker", "password": PASSWORD})
    assert answer.status_code == 400


def test_every_answer_forbids_inline_script_framing_and_sniffing(app, records):
    desk = Desk(app, "supervisor")
    for path in (
        "/reviews",
        f"/reviews/{records['visit_uuid']}",
        "/sign-in",
        "/api/session",
        "/nothing-here",
    ):
        headers = desk.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


def test_pages_carry_no_inline_script_style_or_handler(app, records):
    desk = Desk(app, "supervisor")
    paths = ("/sign-in", "/reviews", f"/reviews/{records['visit_uuid']}", "/followups", "/app/")
    of_checklists = ("", "/winter", "/winter/1", "/winter/1/preview", "/winter/1/frame")
    paths_of_checklists = (f"/checklists{path}" for path in of_checklists)
    for path in (
        *paths,
        *paths_of_checklists,
        f"/followups/{records['followup_id']}",
        f"/households/{records['household_uuid']}",
        *(
            f"/households/{records['household_uuid']}/{page}"
            for page in ("edit", "history", "numbers", "people/new")
        ),
        *(f"/people/{records['person_uuid']}/{page}" for page in ("edit", "leaving", "relatives")),
        *("/people/notice", "/people/my-relatives", "/sweeps", f"/sweeps/{records['sweep_id']}"),
        path_of("/quarantine/<int:user_id>/<uuid:op_uuid>/<body_hash>", records),
    ):
        page = desk.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page), path
        assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page), path
