"""The commands of `python -m fieldapp`.

Invariant: a command that fails says what to do and exits with a status other than 0; it prints no stack trace.
"""

from __future__ import annotations

import logging
import signal
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Event

import click
from flask import Flask
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import OperationalError

from fieldapp import create_app
from fieldapp.aid import actions as aid
from fieldapp.areas.actions import UnknownArea, load_areas
from fieldapp.areas.queries import list_roots
from fieldapp.checklists import actions as checklists
from fieldapp.checklists.compiler.limits import Limits as ChecklistLimits
from fieldapp.core import clock, feeds, storage
from fieldapp.core.assets import ClientNotBuilt, check_built
from fieldapp.core.crypto import KEY_FILE, KeyMissing
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.tallies import fold_tallies
from fieldapp.demo.build import build_demo
from fieldapp.followups import actions as followups, incident_actions as incidents
from fieldapp.imports import actions as imports
from fieldapp.imports.models import RUNNING
from fieldapp.imports.page import get_percent
from fieldapp.imports.queries import IMPORTERS, count_outcomes
from fieldapp.imports.rules import OUTCOMES, REFUSED
from fieldapp.imports.tables import Limits
from fieldapp.notices.channel_actions import forget_old
from fieldapp.notices.jobs import SWEEP_S, Jobs
from fieldapp.overview import coverage_actions as coverage
from fieldapp.payments import actions as payments
from fieldapp.people.actions import refresh_due_in
from fieldapp.people.pair_actions import look_for_pairs_in
from fieldapp.people.period_actions import work_out
from fieldapp.people.period_queries import list_unfinished
from fieldapp.people.tally_actions import fold_days, put_right
from fieldapp.reports import actions as reports, recount
from fieldapp.reviews.counting import put_right as put_reviews_right
from fieldapp.rollups import actions as rollups
from fieldapp.serving import EachMinute, make_server
from fieldapp.settings import Settings, SettingsError
from fieldapp.sweeps.actions import tell_phones
from fieldapp.sweeps.queries import list_not_told
from fieldapp.upkeep.backup import LOST, NEW, ONLY_HERE, BackupRefused, make_backup
from fieldapp.upkeep.doctor import WRONG, examine
from fieldapp.upkeep.restore import restore as restore_backup
from fieldapp.upkeep.retention import remove_old_attachments
from fieldapp.upkeep.schema import NotSetUp, bring_up_to_date, check_up_to_date
from fieldapp.upkeep.snapshots import SnapshotFailed
from fieldapp.users import queries as users
from fieldapp.visits.actions import withdraw_old_visits

# What is said to whoever runs a command, without a trace of the stack.
REFUSALS = (
    SettingsError,
    KeyMissing,
    ClientNotBuilt,
    UnknownArea,
    NotSetUp,
    BackupRefused,
    SnapshotFailed,
    OSError,
)


@click.group()
def commands() -> None:
    """fieldapp: visits to people in hardship, from the phone to review and follow-up."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


@commands.command()
@click.argument("areas", nargs=-1)
def init(areas: tuple[str, ...]) -> None:
    """Make or bring up to date the database, the master key, the code tables and the shipped checklists.

    AREAS are the codes this installation serves (230123 for a county): they, what is above and what is below
    them is loaded from the shipped list.
    """
    app = _set_up()
    if areas:
        with app.app_context(), transaction():
            added = load_areas(areas)
        click.echo(f"{added} areas added")


@commands.command()
def demo() -> None:
    """Set up a demo county in an empty data folder and print its logins; harmless to run again."""
    app = _set_up()
    with app.app_context():
        result = build_demo(clock.now())
    click.echo("Demo accounts:")
    for account in result.accounts:
        click.echo(f"  {account.username:<12} {account.role:<12} {account.display_name}")
    click.echo(f"password: {result.password}")


@commands.command()
def serve() -> None:
    """Serve until stopped."""
    settings = _read_settings()
    app = create_app(settings)
    check_built()
    with app.app_context():
        check_up_to_date()
        storage.remove_left_over(clock.now())
    server = make_server(settings, app)
    each_minute = EachMinute(app, _watch)
    sender = _Sender(app) if settings.sends_notices else None
    scheme = "https" if settings.tls_cert else "http"
    try:
        server.prepare()
        click.echo(f"Desk:  {scheme}://{settings.host}:{settings.port}/")
        click.echo(f"Phone: {scheme}://{settings.host}:{settings.port}/app/")
        each_minute.start()
        if sender:
            sender.start()
        server.serve()
    except KeyboardInterrupt:
        click.echo("Stopping")
    finally:
        server.stop()
        if each_minute.is_alive():
            each_minute.stop()
        if sender:
            sender.stop()


@commands.command("jobs")
def run_jobs() -> None:
    """Send notices outside until stopped, in a process apart: with FIELDAPP_SENDS_NOTICES=false `serve` does not."""
    app = create_app(_read_settings())
    with app.app_context():
        check_up_to_date()
    sender, is_over = _Sender(app), Event()
    signal.signal(signal.SIGTERM, lambda *_: is_over.set())
    sender.start()
    click.echo("Sending notices")
    with suppress(KeyboardInterrupt):
        is_over.wait()
    sender.stop()


class _Sender:
    """The queue of messages with what fills it."""

    def __init__(self, app: Flask) -> None:
        self._jobs = Jobs(app)
        self._sweep = EachMinute(app, self._jobs.sweep, SWEEP_S)

    def start(self) -> None:
        self._jobs.start()
        self._sweep.start()

    def stop(self) -> None:
        if self._sweep.is_alive():
            self._sweep.stop()
        self._jobs.stop()


def _watch(now: datetime) -> None:
    incidents.climb(now)
    followups.pass_on(now)
    followups.climb(now)
    rollups.fold()
    reports.start_running_counts(now)
    reports.remind(now)
    # First what stood when the week ended; then days that are over are counted together.
    coverage.note_weeks(now)
    fold_days(clock.local_date(now))
    fold_tallies()


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(min=1), default=7, show_default=True, help="Snapshots to keep.")
def backup(folder: Path, keep: int) -> None:
    """Back up the database and the photos to FOLDER, while fieldapp runs; never the master key."""
    app = create_app(_read_settings())
    with app.app_context():
        done = make_backup(folder, keep, clock.now())
    photos, visits = done.photos, done.manifest.counts.get("visits", 0)
    click.echo(f"Backed up: {done.snapshot}")
    click.echo(f"  {visits} visits, {photos.total() - photos[LOST]} photos and files ({photos[NEW]} new)")
    if done.is_on_same_disk:
        click.echo(
            "  This folder is on the same disk as the data: copy it elsewhere, or one broken disk takes both."
        )
    for became, words in ((ONLY_HERE, "in backups only"), (LOST, "nowhere any more")):
        if photos[became]:
            click.echo(f"  {photos[became]} photos or files are {words}: see `python -m fieldapp doctor -v`.")
    if not done.lets_phones_forget:
        click.echo("  Phones may still have them, so they are not told to forget what they sent.")
    sys.exit(1 if photos[ONLY_HERE] or photos[LOST] else 0)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--snapshot", help="Which one; by default the newest.")
@click.option("--replace", is_flag=True, help="Also where there is a database already: it is kept aside.")
def restore(folder: Path, snapshot: str | None, replace: bool) -> None:
    """Restore a backup from FOLDER. The master key must be in the data folder; fieldapp must not be running."""
    done = restore_backup(_read_settings(), folder, snapshot, clock.now(), replaces=replace)
    click.echo(f"Restored: {done.snapshot}")
    visits = done.manifest.counts.get("visits", 0)
    click.echo(f"  {visits} visits, {done.photos} photos and files")
    if done.kept_aside:
        click.echo(f"  What was here before is in {done.kept_aside}.")
    if done.photos_missing:
        click.echo(f"  {done.photos_missing} photos or files are not in the backup, or damaged there.")
    click.echo("Start fieldapp: phones read everything again and hand in what they still hold.")
    sys.exit(1 if done.photos_missing else 0)


@commands.command()
def compact() -> None:
    """Tidy what phones are told: old visits and aid given long ago leave it, and what left a month ago is no longer
    mentioned. Run weekly, and after an update.

    Rows of imports older than 90 days are erased, and notices that were read or sent as long ago; rows of payment lists
    after 400 days.
    """
    with create_app(_read_settings()).app_context():
        withdrawn = withdraw_old_visits(clock.now())
        placed = aid.refresh_phones(clock.now())
        dropped = feeds.compact(clock.now())
        forgotten = imports.forget_rows(clock.now()) + payments.forget_rows(clock.now())
        old = forget_old(clock.now())
    click.echo(
        f"{withdrawn} old visits taken from phones, {placed} entries of aid taken off or put on them, "
        f"{dropped} entries dropped, {forgotten} imports and payment lists forgotten, {old} old notices dropped"
    )


@commands.command()
def due() -> None:
    """Work out everybody's due date again: after a change of the code tables, and daily to make sure.

    What is counted by township is compared with the records, and put right.
    Phones that were not told yet of a sweep that was opened are told now.
    """
    with create_app(_read_settings()).app_context():
        changed = sum(work_out(period.id) for period in list_unfinished())
        for sweep_id in list_not_told():
            tell_phones(sweep_id)
        roots = [area.code for area in list_roots()]
        changed += sum(changed for _, changed in refresh_due_in(roots))
        wrong = put_right() + put_reviews_right()
    click.echo(f"{changed} households have other due dates now, {wrong} counts were put right")


@commands.command("recount")
def recount_all() -> None:
    """Count everything the weekly report shows anew from the records, and put right what was kept otherwise."""
    with create_app(_read_settings()).app_context():
        wrong = recount.list_wrong()
        for (area_code, since, week_on, column), (kept, there) in wrong.items():
            click.echo(f"  {area_code} {week_on} {since} {column}: {kept}, counted anew {there}")
        if wrong:
            recount.put_right()
    click.echo(f"{len(wrong)} figures were put right")


@commands.command()
def twins() -> None:
    """Look again for people who could be on the list twice: after an update, or when the registry was filled otherwise."""
    with create_app(_read_settings()).app_context():
        looked_at = sum(number for _, number in look_for_pairs_in([area.code for area in list_roots()]))
    click.echo(f"{looked_at} people compared with the list")


@commands.command()
def retention() -> None:
    """Remove photos, recordings and files older than FIELDAPP_ATTACHMENTS_KEPT_DAYS of what is settled: daily."""
    settings = _read_settings()
    with create_app(settings).app_context():
        removed = remove_old_attachments(clock.now())
    if settings.attachments_kept_days:
        click.echo(f"{removed} photos and files were removed")
    else:
        click.echo("FIELDAPP_ATTACHMENTS_KEPT_DAYS is not set: nothing is ever removed")


@commands.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--by", "username", required=True, help="The account it is brought in for; its areas hold.")
@click.option("--source", required=True, help="Where the list is from: its columns are read as remembered.")
@click.option(
    "--write",
    type=click.Choice(["all", "good"]),
    help="Also write: all rows or none of them, or the good ones. Without it nothing is written.",
)
def import_people(file: Path, username: str, source: str, write: str | None) -> None:
    """Check an Excel or CSV FILE of people, and write it. Its page at the desk shows every row, and takes it back.

    Ends with 1 when a row is refused. Cut off, the page goes on with it.
    """
    settings = _read_settings()
    with create_app(settings).app_context():
        user = users.find_user_by_name(username)
        if user is None or user.role not in IMPORTERS or user.ended_at:
            raise click.BadParameter("no such supervisor or officer", param_hint="--by")
        try:
            with file.open("rb") as content:
                held = imports.stage(user, source, file.name, content, Limits.of(settings), clock.now())
            click.echo(f"Import {held.import_id}: {held.rows} rows")
            with transaction():
                imports.choose_columns(user, held, held.fields)
            _go_on(held.import_id)
            counts = count_outcomes(held.import_id)
            if write:
                with transaction():
                    imports.start_applying(user, held, whole=write == "all", now=clock.now())
                _go_on(held.import_id)
                counts = count_outcomes(held.import_id)
        except AppError as error:
            raise click.ClickException(error.message) from error
        for outcome in OUTCOMES:
            click.echo(f"  {counts.get(outcome, 0)} {outcome}")
    sys.exit(1 if counts.get(REFUSED) else 0)


def _go_on(import_id: int) -> None:
    """Run an import's step to its end, and tell every few seconds how far it has come."""
    while (held := imports.go_on(import_id, clock.now(), seconds=10)).state in RUNNING:
        click.echo(f"  {held.state} {get_percent(held)}%")


@commands.command()
@click.option("-v", "--verbose", is_flag=True, help="Also name one by one what a line counts.")
def doctor(verbose: bool) -> None:
    """Say what is right and what is wrong with this installation; ends with 0 only when nothing is wrong."""
    wrong = 0
    with create_app(_read_settings()).app_context():
        for finding in examine(clock.now()):
            click.echo(f"{finding.verdict:<5}  {finding.words}")
            wrong += finding.verdict == WRONG
            for name in finding.names if verbose else ():
                click.echo(f"         {name}")
    click.echo(f"{wrong} wrong" if wrong else "Nothing is wrong.")
    sys.exit(1 if wrong else 0)


@commands.command("checklist-check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def checklist_check(files: tuple[Path, ...]) -> None:
    """Say of each XLSForm workbook whether it can be used here, and if not, where and why."""
    lines, all_ok = checklists.check_files(files, ChecklistLimits.of(_read_settings()))
    for line in lines:
        click.echo(line)
    sys.exit(0 if all_ok else 1)


def _read_settings() -> Settings:
    return Settings.from_environment()


def _set_up() -> Flask:
    settings = _read_settings()
    # Photos, key and database are for the account that serves, and for no other on the machine.
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A key is made only for a database that holds nothing yet: a new key could not read an old database.
    app = create_app(settings, create_key=not (settings.data_dir / KEY_FILE).exists() and _is_empty(settings))
    with app.app_context():
        bring_up_to_date()
    return app


def _is_empty(settings: Settings) -> bool:
    engine = create_engine(settings.resolved_database_url)
    try:
        return "alembic_version" not in inspect(engine).get_table_names()
    finally:
        engine.dispose()


def main() -> None:
    """Run the command named on the command line."""
    try:
        commands(prog_name="python -m fieldapp")
    except (
        SettingsError,
        KeyMissing,
        ClientNotBuilt,
        UnknownArea,
        BackupRefused,
        SnapshotFailed,
        OSError,
    ) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except OperationalError as error:
        click.echo(f"The database does not answer: {error.orig}", err=True)
        sys.exit(2)
