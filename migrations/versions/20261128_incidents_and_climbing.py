"""Red incidents and the duty roster that answers for them; overdue tasks that climb."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_incidents"
down_revision = "20261128_words_key"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
UUID = sa.Uuid(as_uuid=False)
CODES = sa.table("codes", sa.column("table"), sa.column("code"), sa.column("extra", sa.JSON()))
FOLLOWUPS = sa.table(
    "followups", sa.column("state"), sa.column("due_at", INSTANT), sa.column("climbs_at", INSTANT)
)
# What was not there to be edited yet.
TIMES = {
    "red": {"acknowledge_minutes": 30, "climb_hours": 4},
    "orange": {"climb_hours": 24},
    "yellow": {"climb_hours": 72},
}


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_uuid", UUID),
        sa.Column("followup_id", UUID),
        sa.Column("household_uuid", UUID),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("climbs_at", INSTANT),
        sa.Column("acknowledged_at", INSTANT),
        sa.Column("acknowledged_by_id", sa.Integer()),
        sa.ForeignKeyConstraint(["visit_uuid"], ["visits.visit_uuid"], name=op.f("fk_incidents_visit_uuid")),
        sa.ForeignKeyConstraint(
            ["followup_id"], ["followups.followup_id"], name=op.f("fk_incidents_followup_id")
        ),
        sa.ForeignKeyConstraint(
            ["household_uuid"], ["households.household_uuid"], name=op.f("fk_incidents_household_uuid")
        ),
        sa.ForeignKeyConstraint(
            ["acknowledged_by_id"], ["users.id"], name=op.f("fk_incidents_acknowledged_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("visit_uuid", name=op.f("uq_incidents_visit_uuid")),
        sa.UniqueConstraint("followup_id", name=op.f("uq_incidents_followup_id")),
    )
    op.create_index("ix_incidents_household_uuid", "incidents", ["household_uuid"])
    op.create_index("ix_incidents_climbs_at", "incidents", ["climbs_at"])
    op.create_index("ix_incidents_acknowledged_area", "incidents", ["acknowledged_at", "area_code"])
    op.create_table(
        "incident_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("step", sa.String(12), nullable=False),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("actor_id", sa.Integer()),
        sa.Column("flag_id", sa.Integer()),
        sa.Column("reason", sa.LargeBinary()),
        sa.Column("text", sa.LargeBinary()),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_events_incident_id")
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_incident_events_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_events")),
    )
    op.create_index("ix_incident_events_incident_id", "incident_events", ["incident_id"])
    op.create_table(
        "duty_shifts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("phone", sa.String(30), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("withdrawn_by_id", sa.Integer()),
        sa.Column("withdrawn_at", INSTANT),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name=op.f("fk_duty_shifts_area_code")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_duty_shifts_user_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["users.id"], name=op.f("fk_duty_shifts_made_by_id")),
        sa.ForeignKeyConstraint(
            ["withdrawn_by_id"], ["users.id"], name=op.f("fk_duty_shifts_withdrawn_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_shifts")),
    )
    op.create_index("ix_duty_shifts_area_ends", "duty_shifts", ["area_code", "ends_at"])
    with op.batch_alter_table("followups") as table:
        table.add_column(sa.Column("climbed_to", sa.String(10)))
        table.add_column(sa.Column("climbs_at", INSTANT))
        table.create_index("ix_followups_climbs_at", ["climbs_at"])
    with op.batch_alter_table("followup_events") as table:
        table.add_column(sa.Column("level", sa.String(10)))
    waits = FOLLOWUPS.c.state.in_(("open", "refused"))
    op.execute(FOLLOWUPS.update().where(waits).values(climbs_at=FOLLOWUPS.c.due_at))
    _set_times(TIMES)


def downgrade() -> None:
    _set_times({code: {} for code in TIMES})
    with op.batch_alter_table("followup_events") as table:
        table.drop_column("level")
    with op.batch_alter_table("followups") as table:
        table.drop_index("ix_followups_climbs_at")
        table.drop_column("climbs_at")
        table.drop_column("climbed_to")
    for name in ("duty_shifts", "incident_events", "incidents"):
        op.drop_table(name)


def _set_times(times: dict[str, dict[str, int]]) -> None:
    for code, extra in times.items():
        row = (CODES.c.table == "severity") & (CODES.c.code == code)
        op.execute(CODES.update().where(row).values(extra=extra))
