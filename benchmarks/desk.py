"""The desk of a whole province after years of visits: the queue, a visit, the follow-up list, as a supervisor, a county,
a city and the province open them.

Invariant: whole pages are measured through the app itself; each statement they send reads an index of any table that
grows with the visits, and no page sends more than fifteen.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.engine import Engine

from benchmarks.filling import Promise
from benchmarks.registry import FEW, FOLDER_VARIABLE, LIMIT_MS, add_grids, installation, plans_of, put_aside
from fieldapp.checklists.models import ChecklistVersion
from fieldapp.core import clock, scope
from fieldapp.core.crypto import keyring
from fieldapp.core.db import db, transaction
from fieldapp.core.tallies import fold_tallies
from fieldapp.overview.coverage_actions import note_weeks
from fieldapp.people.tally_actions import fold_days, put_right
from fieldapp.reports import queries as reports
from fieldapp.reviews.counting import put_right as put_reviews_right
from fieldapp.rollups.columns import COLUMNS
from fieldapp.serving import spare_collector
from fieldapp.users.actions import add_user
from fieldapp.users.queries import find_user_by_name
from fieldapp.visits.models import Visit
from tests import postgresql
from tests.factories import PASSWORD, Desk

SMALL, LARGE, FULL = 10_000, 300_000, 10_000_000
WARM, RUNS = 3, 20
# A page is opened so often in the calmest of some rounds through all pages: whatever else the machine does only adds to it.
ROUNDS = 3
MOST_STATEMENTS = 15
# The report adds up all that is counted of an area, and has a limit of its own.
REPORT, REPORT_LIMIT_MS = "report", 300
COUNTED_AS = '["class_dibao_rural"]'
VISITS_OF_HOUSEHOLD, HOUSEHOLDS_OF_GRID = 50, 50
# Whose desk: the role, and how many digits of a visit's grid are theirs.
READERS = {
    "township": ("supervisor", 9),
    "county": ("officer", 6),
    "city": ("officer", 4),
    "province": ("officer", 2),
}
# Pages that must read no whole table either; how fast they are is shown.
OTHERS = {
    "household": ["/households/{household}"],
    "its story": ["/households/{household}/story"],
    "aid": ["/aid"],
    "re-visits": ["/revisits"],
    "coverage": ["/coverage", "/coverage?class=dibao_rural"],
    "its lists": ["/coverage/people?of=overdue", "/coverage/problems?of=found", "/coverage/problems?of=open"],
    "map": ["/map"],
    "who is due": ["/due"],
    "incidents": ["/incidents"],
    "notices": ["/notices"],
}
# They grow with the visits: none of them may be read as a whole, once it has more than a few pages.
GROWS = (
    *("visits", "visit_revisions", "visit_people", "flags", "reviews", "followups", "followup_events"),
    *("referrals", "referral_events"),
    *(
        "incidents",
        "incident_events",
        "operations",
        "notices",
        "attachment_uses",
        "attachments",
        "aid",
        "revisits",
    ),
    *("rollups", "county_rollups", "rollup_changes", "repeated", "amended_contacts"),
    *("tallies", "households", "people", "person_tags", "review_claims", "household_grids"),
)


@dataclass(frozen=True)
class Opened:
    """One page as one reader opens it: how long processors worked on it, the app's and the database's, in the mean of the
    calmest round; times of the whole request by the clock, whoever else had the processors; how many statements, and how they
    are read.
    """

    words: str
    processor_ms: float
    median_ms: float
    ninth_ms: float  # of ten, nine are no slower
    statements: int
    plans: list[str]


def measure(folder: Path, visits: int) -> list[Opened]:
    """Among `visits` visits made in `folder`."""
    with postgresql.server_url() as server, _desks(folder, server, visits) as app:
        return _measure(app)


def measure_kept(folder: Path, visits: int) -> list[Opened]:
    """Among `visits` visits kept in `folder`, made when they are not there yet."""
    with postgresql.kept_server_url(folder / "postgres") as server, _desks(folder, server, visits) as app:
        return _measure(app)


# --- years of visits -----------------------------------------------------------------------------------------------


@contextmanager
def _desks(folder: Path, server: str, visits: int) -> Iterator[Flask]:
    with installation(folder, server, "desk", visits, lambda url: _fill(url, visits)) as app:
        # As it is served.
        spare_collector()
        yield app


def _fill(url: str, visits: int) -> None:
    """Grids of the whole province, their workers, households and people, and what years of visits leave behind."""
    begun = time.perf_counter()
    households = max(visits // VISITS_OF_HOUSEHOLD, HOUSEHOLDS_OF_GRID)
    grids = add_grids(households // HOUSEHOLDS_OF_GRID)
    with psycopg.connect(url) as raw:
        raw.execute("SET maintenance_work_mem = '512MB'")
        # A row may be there before the one it points to.
        raw.execute("SET session_replication_role = replica")
        raw.execute("CREATE TEMP TABLE grids (n int PRIMARY KEY, code text)")
        with raw.cursor().copy("COPY grids FROM STDIN") as copy:
            for number, village in enumerate(grids):
                copy.write_row((number, village.code + "001"))
        raw.execute("CREATE TEMP TABLE bodies (household_uuid uuid PRIMARY KEY, body bytea)")
        with raw.cursor().copy("COPY bodies FROM STDIN") as copy:
            for number in range(households):
                copy.write_row((_key(f"h{number}"), _seal_body(_key(f"p{number}/0"))))
        raw.execute("ANALYZE grids, bodies")
        with put_aside(raw, GROWS):
            sealed = _sealed()
            for statement in _statements(visits, households, len(grids)):
                raw.execute(statement.encode(), sealed)
                print(f"  {time.perf_counter() - begun:.0f} s: {statement.split('(')[0].strip()}", flush=True)
    put_right()
    put_reviews_right()
    note_weeks(clock.now())
    fold_days(clock.local_date(clock.now()))
    fold_tallies()
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute("VACUUM ANALYZE")
        for table in ("users", "user_scopes"):
            raw.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}) + 1)".encode()
            )
    print(f"Made {visits:,} visits in {time.perf_counter() - begun:.0f} s", flush=True)


def _key(name: str) -> str:
    """The same as `md5(name)::uuid` in PostgreSQL."""
    return str(uuid.UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()))


def _seal(value: Any, place: str) -> bytes:
    return keyring().seal(json.dumps(value).encode(), place)


def _seal_body(person_uuid: str) -> bytes:
    """The content of all visits to a household, sealed once."""
    home = {"who_answered": "self", "food_days": "ten_plus", "medicine": "enough"}
    body = {"answers": {"reached": "reached", "home": home}, "people": [person_uuid], "location": None}
    return _seal(body, "visit_revisions.body")


def _sealed() -> dict[str, Any]:
    """One text of each kind, sealed once for all rows, and the checklist they were filled with."""
    text = {"zh": "家里的粮食不够三天", "en": "Food for less than three days"}
    key, version = _find_checklist()
    return {
        "note": keyring().seal(b"", "households.note"),
        "text": _seal(text, "flags.text"),
        "reason": _seal(text, "followups.reason"),
        "asked": keyring().seal("请送粮食".encode(), "referrals.text"),
        "key": key,
        "version": version,
    }


def _find_checklist() -> tuple[str, str]:
    """Key and version of the checklist of a routine visit."""
    found = select(ChecklistVersion.key, ChecklistVersion.version).where(ChecklistVersion.key == "routine")
    key, version = db.session.execute(found.limit(1)).one()
    return key, version


def _statements(visits: int, households: int, grids: int) -> Iterator[str]:
    """Each fills one table; what is drawn for a row is drawn from its number, the same each time."""

    def draw(number: str, of: int, salt: int) -> str:
        return f"(abs(hashint4({number} + {salt})::bigint) %% {of})"

    yield (
        "INSERT INTO users (id, username, password_hash, display_name, role, language, sees_restricted)"
        " SELECT 1000 + n, 'worker' || n, '', '网格员' || n, 'worker', 'zh', false FROM grids"
    )
    yield (
        "INSERT INTO user_scopes (id, user_id, area_code, starts_at)"
        " SELECT 1000 + n, 1000 + n, code, now() - interval '4 years' FROM grids"
    )
    yield (
        "INSERT INTO households (household_uuid, grid_code, name, address, lat, lon, datum, note, due_on, counted)"
        " SELECT md5('h' || h)::uuid, code, '户主' || h, h || '号', 44 + n * 0.002 + h %% 7 * 0.001,"
        " 126 + n %% 60 * 0.1 + h %% 11 * 0.001, 'WGS84', %(note)s::bytea, due_on, json_build_object('township',"
        " left(code, 9), 'due_on', due_on::text, 'people', json_build_array(json_build_array('dibao_rural', due_on::text),"
        " json_build_array('dibao_rural', due_on::text)), 'is_tried', false)"
        f" FROM generate_series(0, {households - 1}) h JOIN grids ON n = h %% {grids},"
        f" LATERAL (SELECT current_date - 5 + {draw('h', 60, 6)}::int due_on) days"
    )
    yield (
        "INSERT INTO people (person_uuid, household_uuid, position, name, relation, sex, bank_name, main_class,"
        " causes, risk, due_on, registered_on, counted_remote, remote_counts)"
        " SELECT md5('p' || h || '/' || place)::uuid, md5('h' || h)::uuid, place, '村民' || h, '', 'f', '',"
        f" 'dibao_rural', '[]', 'low', current_date - 5 + {draw('h', 60, 6)}::int, '2023-01-01', false, true"
        f" FROM generate_series(0, {households - 1}) h, generate_series(0, 1) place"
    )
    state, worst = draw("i", 10_000, 1), draw("i", 1_000, 2)
    yield (
        "INSERT INTO visits (visit_uuid, household_uuid, area_code, worker_id, state, revision, outcome, method,"
        " severity, review_cause, attachment_count, finished_at, week_on, received_at, out_of_scope)"
        " SELECT md5('v' || i)::uuid, md5('h' || h)::uuid, code, 1000 + n, state, 1, 'reached', 'home',"
        " CASE WHEN state = 'submitted' THEN CASE WHEN worst < 20 THEN 'red' WHEN worst < 200 THEN 'orange'"
        " WHEN worst < 500 THEN 'yellow' END"
        " ELSE CASE WHEN worst < 3 THEN 'red' WHEN worst < 20 THEN 'orange' WHEN worst < 60 THEN 'yellow' END END,"
        " CASE WHEN state = 'submitted' THEN CASE WHEN worst < 500 THEN 'flags' ELSE 'drawn' END END,"
        f" CASE WHEN worst %% 4 = 0 THEN 1 ELSE 0 END, ended, {_week_of('ended')}, ended + interval '10 minutes', false"
        f" FROM (SELECT i, h, CASE WHEN drawn < 50 THEN 'submitted' WHEN drawn < 55 THEN 'returned'"
        " WHEN drawn < 75 THEN 'voided' ELSE 'approved' END state, worst,"
        f" now() - (CASE WHEN drawn < 55 THEN {draw('i', 10 * 1440, 3)} ELSE 1440 * 10 + {draw('i', 3 * 365 * 1440, 3)}"
        f" END) * interval '1 minute' ended FROM (SELECT i, i %% {households} h, {state} drawn, {worst} worst"
        f" FROM generate_series(0, {visits - 1}) i) drawn) made JOIN grids ON n = h %% {grids}"
    )
    yield (
        "INSERT INTO visit_revisions (visit_uuid, revision, op_uuid, body_hash, checklist_key, checklist_version,"
        " started_at, finished_at, received_at, clock_offset_s, body)"
        " SELECT visit_uuid, 1, visit_uuid, repeat('0', 64), %(key)s, %(version)s, finished_at, finished_at, received_at,"
        " 0, body FROM visits JOIN bodies USING (household_uuid)"
    )
    yield (
        "INSERT INTO visit_people (visit_uuid, person_uuid, position, counted_as)"
        f" SELECT md5('v' || i)::uuid, md5('p' || i %% {households} || '/0')::uuid, 0, '{COUNTED_AS}'"
        f" FROM generate_series(0, {visits - 1}) i"
    )
    yield (
        "INSERT INTO flags (id, visit_uuid, revision, area_code, rule, question, choice, severity, text, followup_type,"
        " state, raised_at) SELECT row_number() OVER (), visit_uuid, 1, area_code, 'answer', 'home/food_days', 'lt3',"
        " severity, %(text)s::bytea, 'food', CASE WHEN state = 'submitted' THEN 'open' ELSE 'confirmed' END, received_at"
        " FROM visits WHERE severity IS NOT NULL"
    )
    yield (
        "INSERT INTO reviews (id, visit_uuid, revision, decision, decided_at, reviewer_id)"
        " SELECT row_number() OVER (), visit_uuid, 1, state, received_at + interval '1 day', worker_id"
        " FROM visits WHERE state <> 'submitted'"
    )
    task = draw("flags.id::int", 1_000, 4)
    yield (
        "INSERT INTO followups (followup_id, flag_id, type, severity, state, area_code, found_in, household_uuid, visit_uuid,"
        " reason, checklist_key, assignee_id, due_at, source, is_abuse, is_restricted, created_at, closed_at, climbed_to)"
        " SELECT md5('f' || flags.id)::uuid, flags.id, 'food', flags.severity,"
        f" CASE WHEN {task} < 20 THEN 'open' WHEN {task} < 30 THEN 'done' WHEN {task} < 50 THEN 'cancelled'"
        " ELSE 'verified' END, flags.area_code, flags.area_code, household_uuid, flags.visit_uuid, %(reason)s::bytea, 'followup',"
        " worker_id, raised_at + interval '3 days', 'flag', false, false, raised_at,"
        f" CASE WHEN {task} >= 30 THEN raised_at + interval '2 days' END,"
        f" CASE WHEN {task} < 2 THEN 'city' WHEN {task} < 5 THEN 'county' WHEN {task} < 10 THEN 'township' END"
        " FROM flags JOIN visits USING (visit_uuid)"
    )
    yield (
        "INSERT INTO followup_events (id, followup_id, at, step)"
        " SELECT row_number() OVER (), followup_id, created_at, step"
        " FROM followups, unnest(ARRAY['reported', 'verified']) step WHERE closed_at IS NOT NULL"
    )
    yield (
        "INSERT INTO providers (id, name, kind, area_code, services, phone, takes_referrals)"
        " VALUES (1, '省慈善总会', 'charity', '23', '[\"food\"]', '0451', true)"
    )
    yield (
        "INSERT INTO referrals (id, followup_id, provider_id, state, text, made_by_id, made_at)"
        " SELECT row_number() OVER (), followup_id, 1, CASE WHEN closed_at IS NULL THEN 'referred' ELSE 'done' END,"
        " %(asked)s::bytea, assignee_id, created_at + interval '1 day'"
        f" FROM followups WHERE {draw('flag_id::int', 10, 8)} = 0"
    )
    yield (
        "INSERT INTO incidents (id, visit_uuid, household_uuid, area_code, is_abuse, level, raised_at, acknowledged_at)"
        " SELECT row_number() OVER (), visit_uuid, household_uuid, area_code, false, 'county', received_at,"
        " CASE WHEN row_number() OVER (ORDER BY received_at DESC) > 20 THEN received_at + interval '5 minutes' END"
        " FROM visits WHERE severity = 'red'"
    )
    yield (
        "INSERT INTO operations (op_uuid, user_id, body_hash, device_uuid, kind, received_at, clock_offset_s, state,"
        " record_uuid, feed) SELECT visit_uuid, worker_id, repeat('0', 64), visit_uuid, 'visit.submit', received_at, 0,"
        f" CASE WHEN {draw('hashtext(visit_uuid::text) / 2', 20_000, 5)} = 0 THEN 'rejected' ELSE 'accepted' END,"
        " visit_uuid::text, area_code FROM visits"
    )
    yield (
        "INSERT INTO notices (id, user_id, cause, severity, subject, subject_id, area_code, params, created_at, read_at)"
        " SELECT row_number() OVER (), worker_id, 'task_due', severity, 'followup', followup_id::text,"
        " followups.area_code, '{}', created_at, CASE WHEN state IN ('verified', 'cancelled') THEN closed_at END"
        " FROM (SELECT *, assignee_id worker_id FROM followups) followups"
    )
    yield (
        "INSERT INTO followups (followup_id, type, severity, state, area_code, found_in, household_uuid, visit_uuid, reason,"
        " checklist_key, assignee_id, due_at, source, is_abuse, is_restricted, created_at, closed_at)"
        " SELECT md5('r' || visit_uuid)::uuid, 'random_revisit', 'yellow', CASE WHEN is_new THEN 'open' ELSE 'verified' END,"
        " area_code, area_code, household_uuid, visit_uuid, %(reason)s::bytea, 'revisit', worker_id,"
        " finished_at + interval '9 days', 'revisit', false, false, finished_at + interval '2 days',"
        " CASE WHEN NOT is_new THEN finished_at + interval '6 days' END"
        " FROM (SELECT *, finished_at > now() - interval '14 days' is_new FROM visits"
        f" WHERE state = 'approved' AND {draw('hashtext(visit_uuid::text) / 2', 50, 7)} = 0) drawn"
    )
    yield (
        "INSERT INTO revisits (followup_id, visit_uuid, household_uuid, area_code, made_at, finding, decision)"
        " SELECT followup_id, visit_uuid, household_uuid, area_code, created_at,"
        " CASE WHEN state = 'verified' THEN 'agree' END, CASE WHEN state = 'verified' THEN 'fine' END"
        " FROM followups WHERE source = 'revisit'"
    )
    given_week = _week_of("finished_at + interval '5 days'")
    yield (
        "INSERT INTO aid (aid_uuid, household_uuid, area_code, kind, programme, source, amount_cents, state, due_on,"
        " given_on, week_on, counted, visit_uuid, entered_by_id, entered_at)"
        " SELECT md5('a' || visit_uuid)::uuid, household_uuid, area_code, 'cash', 'heating', 'public', 50000,"
        " CASE WHEN is_new THEN 'due' ELSE 'given' END, finished_at::date + 12,"
        " CASE WHEN NOT is_new THEN finished_at::date + 5 END,"
        f" CASE WHEN NOT is_new THEN {given_week} END,"
        " CASE WHEN NOT is_new THEN '{\"money_other\": 50000}'::json END, visit_uuid, worker_id, received_at"
        " FROM (SELECT *, finished_at > now() - interval '14 days' is_new FROM visits"
        f" WHERE state = 'approved' AND {draw('hashtext(visit_uuid::text) / 2', 20, 8)} = 0) drawn"
    )
    yield (
        "INSERT INTO attachment_uses (sha256, kind, uuid, revision, question, area_code, feed)"
        " SELECT md5(visit_uuid::text) || md5(visit_uuid::text), 'visit', visit_uuid::text, 1, 'photo', area_code,"
        " area_code FROM visits WHERE attachment_count > 0"
    )
    yield from _count_by_week()


def _week_of(instant: str) -> str:
    """The day on which the week of an instant ends: at noon of a Friday."""
    half_a_day_on = f"(({instant}) AT TIME ZONE 'Asia/Shanghai' + interval '12 hours')::date"
    return f"({half_a_day_on} + (12 - extract(isodow FROM {half_a_day_on})::int) %% 7)"


def _count_by_week() -> Iterator[str]:
    """What is counted of them by grid and week, each week alone and since the first of its year; then by county."""
    new_year = "make_date(extract(year FROM week_on)::int, 1, 1)"
    first_of_year = f"{new_year} + (12 - extract(isodow FROM {new_year})::int) %% 7"
    yield (
        "INSERT INTO rollups (area_code, since, week_on, households, persons, class_dibao_rural, staff, contacts, by_home)"
        " SELECT area_code, 'week', week_on, count(DISTINCT household_uuid), count(DISTINCT household_uuid),"
        " count(DISTINCT household_uuid), 1, count(*), count(*) FROM visits WHERE state <> 'voided' GROUP BY 1, 3"
    )
    yield (
        "INSERT INTO rollups (area_code, since, week_on, households, persons, class_dibao_rural, staff)"
        f" SELECT area_code, ({first_of_year})::text, week_on, count(*), count(*), count(*),"
        f" (week_on = min(week_on) OVER (PARTITION BY area_code, {new_year}))::int"
        " FROM (SELECT area_code, household_uuid, min(week_on) week_on FROM visits WHERE state <> 'voided'"
        " GROUP BY area_code, household_uuid, extract(year FROM week_on)) first_seen GROUP BY area_code, week_on"
    )
    yield (
        "UPDATE rollups SET money_other = cents FROM (SELECT area_code, week_on, sum(amount_cents) cents FROM aid"
        " WHERE week_on IS NOT NULL GROUP BY 1, 2) given"
        " WHERE since = 'week' AND rollups.area_code = given.area_code AND rollups.week_on = given.week_on"
    )
    for columns, values, of in (
        ("found = problems.n", "count(*) n", "created_at"),
        (
            "helped = problems.n, help_hours = problems.hours",
            "count(*) n, sum(round(extract(epoch FROM closed_at - created_at) / 3600))::bigint hours",
            "closed_at",
        ),
    ):
        yield (
            f"UPDATE rollups SET {columns} FROM (SELECT found_in, {_week_of(of)} week_on, {values} FROM followups"
            f" WHERE {of} IS NOT NULL GROUP BY 1, 2) problems"
            " WHERE since = 'week' AND rollups.area_code = found_in AND rollups.week_on = problems.week_on"
        )
    columns = ", ".join(COLUMNS)
    sums = ", ".join(f"sum({column})" for column in COLUMNS)
    yield (
        f"INSERT INTO county_rollups (area_code, since, week_on, {columns})"
        f" SELECT left(area_code, 6), since, week_on, {sums} FROM rollups GROUP BY 1, 2, 3"
    )


# --- pages ---------------------------------------------------------------------------------------------------------


def _measure(app: Flask) -> list[Opened]:
    """Each page as each reader opens it, all of whose areas hold the visit that has waited longest."""
    with app.app_context():
        engine = db.engine
        oldest = select(Visit.area_code).where(Visit.state == "submitted").order_by(Visit.received_at)
        grid = db.session.scalars(oldest.limit(1)).one()
        chosen = {
            area: (_find_reader(role, grid[:digits]), _list_waiting(grid[:digits]))
            for area, (role, digits) in READERS.items()
        }
        household = db.session.get_one(Visit, chosen["township"][1][0]).household_uuid
        week_on = reports.list_weeks(clock.now())[1].ends_on
    desks = {area: Desk(app, name) for area, (name, _) in chosen.items()}
    calmest: dict[str, Opened] = {}
    for number in range(1, ROUNDS + 1):
        print(f"  round {number}", flush=True)
        for area, (_, waiting) in chosen.items():
            pages = {
                "home": ["/"],
                "queue": ["/reviews"],
                "visit": [f"/reviews/{visit_uuid}" for visit_uuid in waiting],
                "queue beside it": [f"/reviews/{visit_uuid}/queue" for visit_uuid in waiting],
                "visits of all states": ["/reviews?queue=all"],
                "follow-ups": ["/followups"],
                "board": ["/followups/board"],
                **_pages_of_report(grid[: READERS[area][1]], week_on),
                **{
                    page: [path.format(household=household) for path in paths]
                    for page, paths in OTHERS.items()
                },
            }
            for page, paths in pages.items():
                words = f"{page}, {area}"
                one = _open(engine, desks[area], words, paths)
                calmest[words] = min(one, calmest.get(words, one), key=lambda opened: opened.processor_ms)
    return list(calmest.values())


def _pages_of_report(area_code: str, week_on: date) -> dict[str, list[str]]:
    """The weekly report of a week that is over, and the records behind some of its numbers."""
    report = f"/reports/{area_code}-{week_on}"
    behind = {
        "behind": "week/contacts",
        "behind the year": "total/persons",
        "behind a class": "total/class_dibao_rural",
        "behind money": "total/money_other",
    }
    # As it stands now: none of these counties has reported.
    return {
        REPORT: [f"{report}?view=live"],
        **{name: [f"{report}/records/{number}"] for name, number in behind.items()},
    }


def _list_waiting(area_code: str) -> list[str]:
    """Some of the visits that wait there."""
    waiting = select(Visit.visit_uuid).where(
        Visit.state == "submitted", scope.within(Visit.area_code, [area_code])
    )
    return list(db.session.scalars(waiting.order_by(Visit.visit_uuid).limit(RUNS)))


def _find_reader(role: str, code: str) -> str:
    """The account of that role with that area, made when it is not there yet."""
    name = f"{role}-{code}"
    if find_user_by_name(name) is None:
        with transaction():
            add_user(name, PASSWORD, name, role, [code], actor=None, now=clock.now())
    return name


def _open(engine: Engine, desk: Desk, words: str, paths: list[str]) -> Opened:
    times = []
    for run in range(WARM + RUNS):
        if run == WARM:
            worked = _processor_s(engine)
        begun = time.perf_counter()
        answer = desk.get(paths[run % len(paths)])
        times.append((time.perf_counter() - begun) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{paths[run % len(paths)]} answered {answer.status_code}")
    times = times[WARM:]
    processor_ms = (_processor_s(engine) - worked) * 1000 / RUNS
    asked, plans = plans_of(engine, lambda: desk.get(paths[0]), GROWS)
    return Opened(
        words, processor_ms, statistics.median(times), statistics.quantiles(times, n=10)[-1], asked, plans
    )


def _processor_s(engine: Engine) -> float:
    """Seconds that processors have worked for this process and for all of the database server."""
    with engine.connect() as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
    _, server, _ = _read_stat(backend)
    # Of those that have ended (a query's helpers) the server itself keeps the sum.
    of_server = sum(_read_stat(server)[2])
    for child in Path(f"/proc/{server}/task/{server}/children").read_text().split():
        # One may have ended since: it is in the server's sum the next time.
        with suppress(FileNotFoundError):
            of_server += sum(_read_stat(child)[2][:2])
    return time.process_time() + of_server / os.sysconf("SC_CLK_TCK")


def _read_stat(pid: Any) -> tuple[str, str, list[int]]:
    """(state, parent, ticks worked: own, in the kernel, and both of ended children) of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], fields[1], [int(field) for field in fields[11:15]]


# --- what is said --------------------------------------------------------------------------------------------------


def promises(found: list[Opened]) -> list[Promise]:
    """What is promised, and what was measured."""
    slowest = max((one for one in found if not _is_other(one)), key=lambda one: one.processor_ms)
    report = max((one for one in found if _is_report(one)), key=lambda one: one.processor_ms)
    whole = {line for one in found for line in one.plans if _is_whole(line)}
    return [
        Promise(f"the slowest page ({slowest.words}): ms of server time", slowest.processor_ms, LIMIT_MS, 1),
        Promise(f"the slowest {report.words}: ms of server time", report.processor_ms, REPORT_LIMIT_MS, 1),
        Promise("statements of a page, at most", max(one.statements for one in found), MOST_STATEMENTS, 0),
        Promise("of them, that read a whole table", len(whole), 0, 0),
    ]


def _is_report(one: Opened) -> bool:
    return one.words.split(",")[0] == REPORT


def _is_other(one: Opened) -> bool:
    return _is_report(one) or one.words.split(",")[0] in OTHERS


def _is_whole(line: str) -> bool:
    return "Seq Scan" in line and FEW not in line


def table(found: list[Opened], visits: int) -> str:
    """Every page, how all of them are read, and whether what is promised holds."""
    lines = [
        f"The desk among {visits:,} visits, PostgreSQL, {RUNS} times each, in the calmest of {ROUNDS} rounds",
        f"{'':<30} {'server':>9} {'median':>9} {'9 of 10':>9} {'statements':>11}",
    ]
    lines += [
        f"{one.words:<30} {one.processor_ms:>6.1f} ms {one.median_ms:>6.1f} ms {one.ninth_ms:>6.1f} ms {one.statements:>11}"
        for one in found
    ]
    lines += [f"  {one.words}: {line}" for one in found for line in one.plans if _is_whole(line)]
    plans = dict.fromkeys(line for one in found for line in one.plans)
    return "\n".join([*lines, *(f"  reads: {line}" for line in plans), *map(str, promises(found))])


def main() -> int:
    """`make bench-full`: measure among the visits that are kept; gives the exit status."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        print(
            f"Set {FOLDER_VARIABLE} to a folder outside the checkout: some 30 GB are kept there",
            file=sys.stderr,
        )
        return 1
    visits = int(sys.argv[1]) if len(sys.argv) > 1 else FULL
    found = measure_kept(Path(folder), visits)
    print(table(found, visits))
    return 0 if all(promise.holds for promise in promises(found)) else 1


if __name__ == "__main__":
    sys.exit(main())
