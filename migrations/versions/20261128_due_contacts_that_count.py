"""Due dates: the day people were registered, the last contact that counts, whether the next may be remote.

People there already get what their visits say; the due dates themselves are worked out anew by `python -m fieldapp due`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import sqlalchemy as sa
from alembic import op

from fieldapp.core.clock import local_date
from fieldapp.people.rules import Contact, find_last_counted

revision = "20261128_due"
down_revision = "20261128_search"
branch_labels = None
depends_on = None

EVERY_OTHER = ("high", "middle")
REMOTE = ("phone", "wechat", "video")
INSTANT = sa.DateTime(timezone=True)
PEOPLE = sa.table(
    "people",
    sa.column("person_uuid", sa.Uuid(as_uuid=False)),
    sa.column("risk", sa.String),
    sa.column("last_contact_at", INSTANT),
    sa.column("due_on", sa.Date),
    sa.column("registered_on", sa.Date),
    sa.column("counted_on", sa.Date),
    sa.column("counted_remote", sa.Boolean),
    sa.column("remote_counts", sa.Boolean),
)
CODES = sa.table(
    "codes",
    sa.column("table", sa.String),
    sa.column("code", sa.String),
    sa.column("extra", sa.JSON),
)
CONTACTS = sa.text(
    "SELECT visits.finished_at, visits.method FROM visit_people"
    " JOIN visits ON visits.visit_uuid = visit_people.visit_uuid"
    " WHERE visit_people.person_uuid = :person AND visits.outcome = 'reached' AND visits.state != 'voided'"
).columns(finished_at=INSTANT, method=sa.String)


def upgrade() -> None:
    with op.batch_alter_table("people") as table:
        table.add_column(sa.Column("registered_on", sa.Date()))
        table.add_column(sa.Column("counted_on", sa.Date()))
        table.add_column(sa.Column("counted_remote", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("remote_counts", sa.Boolean(), nullable=False, server_default=sa.true()))
    _mark_risks()
    _fill_in(datetime.now(UTC))
    with op.batch_alter_table("people") as table:
        table.alter_column("registered_on", existing_type=sa.Date(), nullable=False)


def _mark_risks() -> None:
    connection = op.get_bind()
    for code in EVERY_OTHER:
        row = sa.and_(CODES.c.table == "risk", CODES.c.code == code)
        extra = connection.scalar(sa.select(CODES.c.extra).where(row))
        if extra is not None:
            connection.execute(
                sa.update(CODES).where(row).values(extra={**extra, "remote_every_other": True})
            )


def _fill_in(now: datetime) -> None:
    connection = op.get_bind()
    columns = (PEOPLE.c.person_uuid, PEOPLE.c.risk, PEOPLE.c.last_contact_at, PEOPLE.c.due_on)
    for person_uuid, risk, last_at, due_on in connection.execute(sa.select(*columns)).all():
        last_on = _day_of(last_at)
        rows = connection.execute(
            CONTACTS.bindparams(sa.bindparam("person", person_uuid, sa.Uuid(as_uuid=False)))
        )
        counted = find_last_counted(Contact(_day_of(at), method in REMOTE) for at, method in rows)
        # A contact that is known without a visit: from the register of old.
        counted = counted or (Contact(last_on, False) if last_on else None)
        connection.execute(
            sa.update(PEOPLE)
            .where(PEOPLE.c.person_uuid == person_uuid)
            .values(
                registered_on=last_on or due_on or local_date(now),
                counted_on=counted.on if counted else None,
                counted_remote=counted is not None and counted.is_remote,
                remote_counts=not (counted is not None and counted.is_remote and risk in EVERY_OTHER),
            )
        )


def _day_of(at: datetime | None) -> date | None:
    if at is None:
        return None
    # SQLite keeps instants without their zone, which is UTC.
    return local_date(at.replace(tzinfo=UTC) if at.tzinfo is None else at)


def downgrade() -> None:
    with op.batch_alter_table("people") as table:
        for name in ("remote_counts", "counted_remote", "counted_on", "registered_on"):
            table.drop_column(name)
