"""What is counted for reports by grid and week, and the week in which each visit counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261129_rollups"
down_revision = "20261129_active_tasks"
branch_labels = None
depends_on = None

COLUMNS = (
    "households",
    "persons",
    "staff",
    "screened",
    "class_destitute_scattered",
    "class_destitute_institutional",
    "class_dibao_urban",
    "class_dibao_rural",
    "class_dibao_margin",
    "class_rigid_expense",
    "class_anti_relapse",
    "class_other_hardship",
    "class_none",
    "tag_lonely",
    "tag_left_behind_elder",
    "tag_left_behind_child",
    "tag_left_behind_woman",
    "tag_child_in_need",
    "tag_disabled",
    "tag_serious_illness",
    "tag_mental_disorder",
    "tag_vagrant",
    "tag_infected_household",
    "tag_released_household",
    "tag_care_missing_elder",
    "tag_care_missing_minor",
    "tag_care_missing_disabled",
    "tag_closed_facility_family",
    "contacts",
    "by_home",
    "by_phone",
    "by_wechat",
    "by_video",
    "by_patrol",
    "attempts",
    "refusals",
    "found",
    "solved",
    "unfounded",
    "admitted_dibao_households",
    "admitted_dibao_persons",
    "admitted_destitute_households",
    "admitted_destitute_persons",
    "relief_cases",
    "relief_persons",
    "relief_urgent",
    "relief_reserve",
    "relief_nonlocal",
    "temporary_care",
    "referrals",
    "charity",
    "services",
    "by_agent",
    "by_appointment",
    "remotely",
    "hotline",
    "hotline_closed",
    "vagrants_helped",
    "money_relief",
    "money_relief_reserve",
    "money_relief_urgent",
    "money_charity",
    "money_other",
    "goods_food",
    "goods_clothing",
    "goods_heating",
    "goods_medicine",
    "goods_other",
    "goods_worth",
)
# Weeks end on Friday at noon in Shanghai, as nobody could set it otherwise yet.
WEEKS = {
    "sqlite": "date(finished_at, '+8 hours', '-12 hours', '+1 day', 'weekday 5')",
    "postgresql": "(SELECT d + (12 - extract(isodow FROM d)::int) % 7 "
    "FROM (SELECT (finished_at AT TIME ZONE 'Asia/Shanghai' - interval '12 hours')::date + 1 AS d) AS day)",
}

# The column of the report a shipped tag counts in, where a county has not said anything.
TAGS = {
    "lonely_elder": "lonely",
    "living_alone": "lonely",
    "left_behind_elder": "left_behind_elder",
    "left_behind_child": "left_behind_child",
    "left_behind_woman": "left_behind_woman",
    "child_in_need": "child_in_need",
    "child_without_carer": "child_in_need",
    "disabled": "disabled",
    "severely_disabled": "disabled",
    "serious_illness": "serious_illness",
    "mental_disorder": "mental_disorder",
    "vagrant": "vagrant",
    "infected_household": "infected_household",
    "released_household": "released_household",
    "care_missing": "care_missing",
    "closed_facility_family": "closed_facility_family",
}


def _counts() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in COLUMNS]


def upgrade() -> None:
    for table in ("rollups", "county_rollups"):
        op.create_table(
            table,
            sa.Column("area_code", sa.String(15), primary_key=True),
            sa.Column("since", sa.String(10), primary_key=True),
            sa.Column("week_on", sa.Date, primary_key=True),
            *_counts(),
        )
    op.create_table(
        "rollup_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("since", sa.String(10), nullable=False),
        sa.Column("week_on", sa.Date, nullable=False),
        *_counts(),
    )
    op.create_table(
        "week_cuts",
        sa.Column("from_on", sa.Date, primary_key=True),
        sa.Column("weekday", sa.Integer, nullable=False),
        sa.Column("at", sa.Time, nullable=False),
        sa.Column(
            "set_by_id",
            sa.Integer,
            sa.ForeignKey("users.id", name="fk_week_cuts_set_by_id_users"),
            nullable=False,
        ),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "closed_weeks",
        sa.Column("county_code", sa.String(15), primary_key=True),
        sa.Column("week_on", sa.Date, primary_key=True),
    )
    op.create_table(
        "running_counts",
        sa.Column("area_code", sa.String(15), primary_key=True),
        sa.Column("first_week_on", sa.Date, primary_key=True),
    )
    op.add_column("visit_people", sa.Column("counted_as", sa.JSON, nullable=False, server_default="[]"))
    # With a default that every row leaves at once: making the table anew would cost SQLite its indexes of expressions.
    op.add_column("visits", sa.Column("week_on", sa.Date, nullable=False, server_default="1970-01-01"))
    week = sa.text(WEEKS[op.get_bind().dialect.name])
    op.execute(sa.update(sa.table("visits", sa.column("week_on"))).values(week_on=week))
    op.add_column("screening_rows", sa.Column("week_on", sa.Date, nullable=True))
    op.create_table(
        "admissions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "person_uuid",
            sa.Uuid(as_uuid=False),
            sa.ForeignKey("people.person_uuid", name="fk_admissions_person_uuid_people"),
            nullable=False,
        ),
        sa.Column("household_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("grid_code", sa.String(15), nullable=False),
        sa.Column("scheme", sa.String(10), nullable=False),
        sa.Column("is_first", sa.Boolean, nullable=False),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("week_on", sa.Date, nullable=False),
    )
    op.create_index("ix_admissions_person_uuid", "admissions", ["person_uuid"])
    op.create_index("ix_admissions_week_grid", "admissions", ["week_on", "grid_code"])
    op.add_column("aid", sa.Column("week_on", sa.Date, nullable=True))
    op.add_column("aid", sa.Column("counted", sa.JSON, nullable=True))
    op.create_index("ix_aid_week_area", "aid", ["week_on", "area_code"])
    op.add_column("followups", sa.Column("found_in", sa.String(15), nullable=False, server_default=""))
    tasks = sa.table("followups", sa.column("found_in"), sa.column("area_code"))
    op.execute(sa.update(tasks).values(found_in=tasks.c.area_code))
    codes = sa.table("codes", *(sa.column(name) for name in ("table", "code")), sa.column("extra", sa.JSON))
    for code, extra in op.get_bind().execute(
        sa.select(codes.c.code, codes.c.extra).where(codes.c.table == "tag")
    ):
        if code in TAGS:
            changed = sa.update(codes).where(codes.c.table == "tag", codes.c.code == code)
            op.execute(changed.values(extra={"column": TAGS[code], **extra}))
    op.create_index("ix_visits_worker_week", "visits", ["worker_id", "week_on", "area_code"])
    op.create_index("ix_visits_week_area", "visits", ["week_on", "area_code"])
    op.create_table(
        "report_sheets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "area_code",
            sa.String(15),
            sa.ForeignKey("areas.code", name="fk_report_sheets_area_code_areas"),
            nullable=False,
        ),
        sa.Column("week_on", sa.Date, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("since_on", sa.Date, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("foot", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column(
            "made_by_id",
            sa.Integer,
            sa.ForeignKey("users.id", name="fk_report_sheets_made_by_id_users"),
            nullable=False,
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "returned_by_id",
            sa.Integer,
            sa.ForeignKey("users.id", name="fk_report_sheets_returned_by_id_users"),
            nullable=True,
        ),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_reason", sa.Text, nullable=True),
        sa.UniqueConstraint(
            "area_code", "week_on", "number", name="uq_report_sheets_area_code_week_on_number"
        ),
    )
    op.create_index("ix_report_sheets_week_on", "report_sheets", ["week_on"])
    op.create_table(
        "report_reminders",
        sa.Column("week_on", sa.Date, primary_key=True),
        sa.Column("name", sa.String(10), primary_key=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("report_reminders")
    op.drop_table("report_sheets")
    op.drop_index("ix_visits_week_area", "visits")
    op.drop_index("ix_visits_worker_week", "visits")
    op.drop_table("admissions")
    op.drop_column("screening_rows", "week_on")
    op.drop_column("followups", "found_in")
    op.drop_index("ix_aid_week_area", "aid")
    op.drop_column("aid", "counted")
    op.drop_column("aid", "week_on")
    op.drop_column("visits", "week_on")
    op.drop_column("visit_people", "counted_as")
    for table in (
        "running_counts",
        "closed_weeks",
        "week_cuts",
        "rollup_changes",
        "county_rollups",
        "rollups",
    ):
        op.drop_table(table)
