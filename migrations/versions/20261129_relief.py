"""Temporary relief: cases and their steps, the counties' terms, the reserve funds; aid that is paid for a case."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

from fieldapp.core.db import EncryptedText, Instant

revision = "20261129_relief"
down_revision = "20261129_deputies"
branch_labels = None
depends_on = None

UUID = sa.Uuid(as_uuid=False)


@contextmanager
def _aid_anew() -> Iterator[BatchOperations]:
    """The table of aid, which SQLite makes anew. It looks at the tables that it names, too, and says of an index of visits
    that it cannot be read: only aid is made anew, and has none like it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipped unsupported reflection", sa.exc.SAWarning)
        with op.batch_alter_table("aid") as aid:
            yield aid


def upgrade() -> None:
    op.create_table(
        "relief_policies",
        sa.Column("county_code", sa.String(15), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("measure", sa.String(10), nullable=False),
        sa.Column("standard_cents", sa.BigInteger(), nullable=False),
        sa.Column("township_limit", sa.BigInteger(), nullable=False),
        sa.Column("year_ceiling", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in (
                *("accept_days", "propose_days", "decide_days", "pay_days", "papers_days"),
                *("urgent_hours", "repeat_months"),
            )
        ),
        sa.Column("reason", EncryptedText("relief_policies.reason"), nullable=True),
        sa.Column("set_by", sa.Integer(), nullable=True),
        sa.Column("set_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_relief_policies_set_by")),
        sa.PrimaryKeyConstraint("county_code", "number", name=op.f("pk_relief_policies")),
    )
    op.create_table(
        "relief_funds",
        sa.Column("township_code", sa.String(15), nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), nullable=False),
        sa.Column("held_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance_cents >= 0", name=op.f("ck_relief_funds_balance_not_negative")),
        sa.CheckConstraint("held_cents >= 0", name=op.f("ck_relief_funds_held_not_negative")),
        sa.ForeignKeyConstraint(
            ["township_code"], ["areas.code"], name=op.f("fk_relief_funds_township_code")
        ),
        sa.PrimaryKeyConstraint("township_code", name=op.f("pk_relief_funds")),
    )
    op.create_table(
        "relief_cases",
        sa.Column("case_id", UUID, nullable=False),
        sa.Column("household_uuid", UUID, nullable=True),
        sa.Column("person_uuids", sa.JSON(), nullable=False),
        sa.Column("people_count", sa.Integer(), nullable=False),
        sa.Column("applicant_name", EncryptedText("relief_cases.applicant_name"), nullable=False),
        sa.Column("id_number", EncryptedText("relief_cases.id_number"), nullable=True),
        sa.Column("id_hash", sa.String(64), nullable=True),
        sa.Column("phone", EncryptedText("relief_cases.phone"), nullable=True),
        sa.Column("home", EncryptedText("relief_cases.home"), nullable=False),
        sa.Column("is_local", sa.Boolean(), nullable=False),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("place", EncryptedText("relief_cases.place"), nullable=False),
        sa.Column("channel", sa.String(12), nullable=False),
        sa.Column("agent_name", EncryptedText("relief_cases.agent_name"), nullable=False),
        sa.Column("agent_authority", EncryptedText("relief_cases.agent_authority"), nullable=False),
        sa.Column("cause", sa.String(40), nullable=False),
        sa.Column("what_happened", EncryptedText("relief_cases.what_happened"), nullable=False),
        sa.Column("asked_for", EncryptedText("relief_cases.asked_for"), nullable=False),
        sa.Column("asked_cents", sa.BigInteger(), nullable=True),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("is_abuse", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("handler_id", sa.Integer(), nullable=True),
        sa.Column("entered_by_id", sa.Integer(), nullable=False),
        sa.Column("visit_uuid", UUID, nullable=True),
        sa.Column("followup_id", UUID, nullable=True),
        sa.Column("tier", sa.String(10), nullable=True),
        sa.Column("proposed_cents", sa.BigInteger(), nullable=True),
        sa.Column("approved_cents", sa.BigInteger(), nullable=True),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.Column("funded_by", sa.String(40), nullable=True),
        sa.Column("fund_code", sa.String(15), nullable=True),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("approved_for_id", sa.Integer(), nullable=True),
        sa.Column("reason", EncryptedText("relief_cases.reason"), nullable=True),
        sa.Column("applied_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("approved_at", Instant(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("papers_on", sa.Date(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["household_uuid"], ["households.household_uuid"], name=op.f("fk_relief_cases_household_uuid")
        ),
        sa.ForeignKeyConstraint(
            ["followup_id"], ["followups.followup_id"], name=op.f("fk_relief_cases_followup_id")
        ),
        sa.ForeignKeyConstraint(
            ["fund_code"], ["relief_funds.township_code"], name=op.f("fk_relief_cases_fund_code")
        ),
        *(
            sa.ForeignKeyConstraint([name], ["users.id"], name=op.f(f"fk_relief_cases_{name}"))
            for name in ("handler_id", "entered_by_id", "approved_by_id", "approved_for_id")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_relief_cases")),
    )
    for column in ("household_uuid", "id_hash", "handler_id", "visit_uuid", "followup_id"):
        op.create_index(op.f(f"ix_relief_cases_{column}"), "relief_cases", [column])
    op.create_index("ix_relief_cases_state_area_due", "relief_cases", ["state", "area_code", "due_at"])
    op.create_index("ix_relief_cases_area_applied", "relief_cases", ["area_code", "applied_at"])
    op.create_index("ix_relief_cases_area_approved", "relief_cases", ["area_code", "approved_at"])
    op.create_table(
        "relief_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", UUID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("for_id", sa.Integer(), nullable=True),
        sa.Column("step", sa.String(12), nullable=False),
        sa.Column("text", EncryptedText("relief_steps.text"), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("aid_uuid", UUID, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["relief_cases.case_id"], name=op.f("fk_relief_steps_case_id")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_relief_steps_actor_id")),
        sa.ForeignKeyConstraint(["for_id"], ["users.id"], name=op.f("fk_relief_steps_for_id")),
        sa.ForeignKeyConstraint(["aid_uuid"], ["aid.aid_uuid"], name=op.f("fk_relief_steps_aid_uuid")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relief_steps")),
    )
    op.create_index(op.f("ix_relief_steps_case_id"), "relief_steps", ["case_id"])
    op.create_table(
        "relief_fund_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("township_code", sa.String(15), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), nullable=False),
        sa.Column("held_cents", sa.BigInteger(), nullable=False),
        sa.Column("case_id", UUID, nullable=True),
        sa.Column("reverses_id", sa.Integer(), nullable=True),
        sa.Column("reason", EncryptedText("relief_fund_entries.reason"), nullable=True),
        sa.Column("entered_by_id", sa.Integer(), nullable=False),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["township_code"],
            ["relief_funds.township_code"],
            name=op.f("fk_relief_fund_entries_township_code"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["relief_cases.case_id"], name=op.f("fk_relief_fund_entries_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["relief_fund_entries.id"], name=op.f("fk_relief_fund_entries_reverses_id")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by_id"], ["users.id"], name=op.f("fk_relief_fund_entries_entered_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relief_fund_entries")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_relief_fund_entries_reverses_id")),
    )
    for column in ("township_code", "case_id"):
        op.create_index(op.f(f"ix_relief_fund_entries_{column}"), "relief_fund_entries", [column])
    with _aid_anew() as aid:
        aid.alter_column("household_uuid", existing_type=UUID, nullable=True)
        aid.add_column(sa.Column("relief_case_id", UUID, nullable=True))
    op.create_index(op.f("ix_aid_relief_case_id"), "aid", ["relief_case_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_aid_relief_case_id"), "aid")
    with _aid_anew() as aid:
        aid.drop_column("relief_case_id")
        aid.alter_column("household_uuid", existing_type=UUID, nullable=False)
    for table in ("relief_fund_entries", "relief_steps", "relief_cases", "relief_funds", "relief_policies"):
        op.drop_table(table)
