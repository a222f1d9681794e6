"""Make all tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_tables"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "areas",
        sa.Column("code", sa.String(length=15), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("parent_code", sa.String(length=15), nullable=True),
        sa.Column("duty_phone", sa.String(length=30), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("successor_code", sa.String(length=15), nullable=True),
        sa.ForeignKeyConstraint(["parent_code"], ["areas.code"], name=op.f("fk_areas_parent_code")),
        sa.ForeignKeyConstraint(["successor_code"], ["areas.code"], name=op.f("fk_areas_successor_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_areas")),
    )
    with op.batch_alter_table("areas", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_areas_parent_code"), ["parent_code"], unique=False)

    op.create_table(
        "attachment_uses",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=300), nullable=False),
        sa.Column("area_code", sa.String(length=15), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint(
            "sha256", "kind", "uuid", "revision", "question", name=op.f("pk_attachment_uses")
        ),
    )
    with op.batch_alter_table("attachment_uses", schema=None) as batch_op:
        batch_op.create_index("ix_attachment_uses_record", ["kind", "uuid", "revision"], unique=False)

    op.create_table(
        "attachments",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_attachments")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject_kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("values", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_at"), ["at"], unique=False)
        batch_op.create_index("ix_audit_entries_subject", ["subject_kind", "subject_id"], unique=False)

    op.create_table(
        "checklists",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("published_version", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_checklists")),
    )
    op.create_table(
        "codes",
        sa.Column("table", sa.String(length=30), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("zh", sa.String(length=80), nullable=False),
        sa.Column("en", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("table", "code", name=op.f("pk_codes")),
    )
    op.create_table(
        "feed_entries",
        sa.Column("feed", sa.String(length=15), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("uuid", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "kind", "uuid", name=op.f("pk_feed_entries")),
    )
    with op.batch_alter_table("feed_entries", schema=None) as batch_op:
        batch_op.create_index("ix_feed_entries_feed_number", ["feed", "number"], unique=True)

    op.create_table(
        "feeds",
        sa.Column("code", sa.String(length=15), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_feeds")),
    )
    op.create_table(
        "server_state",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_server_state")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("name_hash", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name_hash", name=op.f("pk_sign_in_failures")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("display_name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_table(
        "attachment_uploads",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"], ["attachments.sha256"], name=op.f("fk_attachment_uploads_sha256")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_attachment_uploads_user_id")),
        sa.PrimaryKeyConstraint("sha256", "user_id", name=op.f("pk_attachment_uploads")),
    )
    op.create_table(
        "checklist_versions",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("xform", sa.String(), nullable=False),
        sa.Column("workbook", sa.LargeBinary(), nullable=False),
        sa.Column("workbook_sha256", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f("fk_checklist_versions_created_by_id")
        ),
        sa.ForeignKeyConstraint(["key"], ["checklists.key"], name=op.f("fk_checklist_versions_key")),
        sa.PrimaryKeyConstraint("key", "version", name=op.f("pk_checklist_versions")),
    )
    op.create_table(
        "households",
        sa.Column("household_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("grid_code", sa.String(length=15), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("datum", sa.String(length=10), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("last_visit_on", sa.Date(), nullable=True),
        sa.Column("carry", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["grid_code"], ["areas.code"], name=op.f("fk_households_grid_code")),
        sa.PrimaryKeyConstraint("household_uuid", name=op.f("pk_households")),
    )
    with op.batch_alter_table("households", schema=None) as batch_op:
        batch_op.create_index("ix_households_grid_due", ["grid_code", "due_on"], unique=False)

    op.create_table(
        "operations",
        sa.Column("op_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("device_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_offset_s", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("record_uuid", sa.String(length=64), nullable=True),
        sa.Column("feed", sa.String(length=15), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("fields", sa.LargeBinary(), nullable=True),
        sa.Column("quarantine", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_operations_user_id")),
        sa.PrimaryKeyConstraint("op_uuid", "user_id", "body_hash", name=op.f("pk_operations")),
    )
    with op.batch_alter_table("operations", schema=None) as batch_op:
        batch_op.create_index("ix_operations_state_user", ["state", "user_id"], unique=False)
        batch_op.create_index("ix_operations_user_record", ["user_id", "record_uuid"], unique=False)

    op.create_table(
        "user_scopes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(length=15), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_scopes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_scopes")),
    )
    with op.batch_alter_table("user_scopes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_scopes_area_code"), ["area_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_user_scopes_user_id"), ["user_id"], unique=False)

    op.create_table(
        "user_sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("face", sa.String(length=5), nullable=False),
        sa.Column("device_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_user_sessions")),
    )
    with op.batch_alter_table("user_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_sessions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "people",
        sa.Column("person_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("household_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("sex", sa.String(length=1), nullable=False),
        sa.Column("birth_on", sa.Date(), nullable=True),
        sa.Column("id_number", sa.LargeBinary(), nullable=True),
        sa.Column("id_hash", sa.String(length=64), nullable=True),
        sa.Column("id_tail_hash", sa.String(length=64), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_hash", sa.String(length=64), nullable=True),
        sa.Column("phone_tail_hash", sa.String(length=64), nullable=True),
        sa.Column("main_class", sa.String(length=40), nullable=False),
        sa.Column("risk", sa.String(length=10), nullable=False),
        sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("died_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["household_uuid"], ["households.household_uuid"], name=op.f("fk_people_household_uuid")
        ),
        sa.PrimaryKeyConstraint("person_uuid", name=op.f("pk_people")),
    )
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_people_household_uuid"), ["household_uuid"], unique=False)
        batch_op.create_index(batch_op.f("ix_people_id_hash"), ["id_hash"], unique=False)
        batch_op.create_index(batch_op.f("ix_people_id_tail_hash"), ["id_tail_hash"], unique=False)
        batch_op.create_index(batch_op.f("ix_people_phone_hash"), ["phone_hash"], unique=False)
        batch_op.create_index(batch_op.f("ix_people_phone_tail_hash"), ["phone_tail_hash"], unique=False)

    op.create_table(
        "visits",
        sa.Column("visit_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("household_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("area_code", sa.String(length=15), nullable=False),
        sa.Column("worker_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("severity", sa.String(length=6), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("out_of_scope", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_uuid"], ["households.household_uuid"], name=op.f("fk_visits_household_uuid")
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["users.id"], name=op.f("fk_visits_worker_id")),
        sa.PrimaryKeyConstraint("visit_uuid", name=op.f("pk_visits")),
    )
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.create_index("ix_visits_household_finished", ["household_uuid", "finished_at"], unique=False)
        batch_op.create_index("ix_visits_state_area", ["state", "area_code"], unique=False)
        batch_op.create_index("ix_visits_worker_finished", ["worker_id", "finished_at"], unique=False)

    op.create_table(
        "flags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(length=15), nullable=False),
        sa.Column("person_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("rule", sa.String(length=30), nullable=False),
        sa.Column("question", sa.String(length=300), nullable=False),
        sa.Column("choice", sa.String(length=200), nullable=False),
        sa.Column("severity", sa.String(length=6), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=True),
        sa.Column("followup_type", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_flags_decided_by_id")),
        sa.ForeignKeyConstraint(["person_uuid"], ["people.person_uuid"], name=op.f("fk_flags_person_uuid")),
        sa.ForeignKeyConstraint(["visit_uuid"], ["visits.visit_uuid"], name=op.f("fk_flags_visit_uuid")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flags")),
    )
    with op.batch_alter_table("flags", schema=None) as batch_op:
        batch_op.create_index("ix_flags_visit_rule", ["visit_uuid", "rule"], unique=False)

    op.create_table(
        "followups",
        sa.Column("followup_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("flag_id", sa.Integer(), nullable=True),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("severity", sa.String(length=6), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("area_code", sa.String(length=15), nullable=False),
        sa.Column("household_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("person_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("visit_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("instructions", sa.LargeBinary(), nullable=True),
        sa.Column("checklist_key", sa.String(length=60), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("assigned_by_id", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["assigned_by_id"], ["users.id"], name=op.f("fk_followups_assigned_by_id")),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name=op.f("fk_followups_assignee_id")),
        sa.ForeignKeyConstraint(
            ["household_uuid"], ["households.household_uuid"], name=op.f("fk_followups_household_uuid")
        ),
        sa.ForeignKeyConstraint(
            ["person_uuid"], ["people.person_uuid"], name=op.f("fk_followups_person_uuid")
        ),
        sa.ForeignKeyConstraint(["visit_uuid"], ["visits.visit_uuid"], name=op.f("fk_followups_visit_uuid")),
        sa.PrimaryKeyConstraint("followup_id", name=op.f("pk_followups")),
        sa.UniqueConstraint("flag_id", "type", name=op.f("uq_followups_flag_id_type")),
    )
    with op.batch_alter_table("followups", schema=None) as batch_op:
        batch_op.create_index("ix_followups_assignee_state", ["assignee_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_followups_household_uuid"), ["household_uuid"], unique=False)
        batch_op.create_index("ix_followups_state_area", ["state", "area_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_followups_visit_uuid"), ["visit_uuid"], unique=False)

    op.create_table(
        "person_tags",
        sa.Column("person_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_uuid"], ["people.person_uuid"], name=op.f("fk_person_tags_person_uuid")
        ),
        sa.PrimaryKeyConstraint("person_uuid", "tag", name=op.f("pk_person_tags")),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("notes", sa.LargeBinary(), nullable=True),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name=op.f("fk_reviews_reviewer_id")),
        sa.ForeignKeyConstraint(["visit_uuid"], ["visits.visit_uuid"], name=op.f("fk_reviews_visit_uuid")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reviews_visit_uuid"), ["visit_uuid"], unique=False)

    op.create_table(
        "visit_people",
        sa.Column("visit_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("person_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_uuid"], ["people.person_uuid"], name=op.f("fk_visit_people_person_uuid")
        ),
        sa.ForeignKeyConstraint(
            ["visit_uuid"], ["visits.visit_uuid"], name=op.f("fk_visit_people_visit_uuid")
        ),
        sa.PrimaryKeyConstraint("visit_uuid", "person_uuid", name=op.f("pk_visit_people")),
    )
    with op.batch_alter_table("visit_people", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_people_person_uuid"), ["person_uuid"], unique=False)

    op.create_table(
        "visit_revisions",
        sa.Column("visit_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("op_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("checklist_key", sa.String(length=60), nullable=False),
        sa.Column("checklist_version", sa.String(length=40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_offset_s", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=True),
        sa.Column("problems", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["visit_uuid"], ["visits.visit_uuid"], name=op.f("fk_visit_revisions_visit_uuid")
        ),
        sa.PrimaryKeyConstraint("visit_uuid", "revision", name=op.f("pk_visit_revisions")),
    )
    op.create_table(
        "followup_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("followup_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("step", sa.String(length=12), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.Column("checklist_key", sa.String(length=60), nullable=True),
        sa.Column("checklist_version", sa.String(length=40), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("problems", sa.LargeBinary(), nullable=True),
        sa.Column("op_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_followup_events_actor_id")),
        sa.ForeignKeyConstraint(
            ["followup_id"], ["followups.followup_id"], name=op.f("fk_followup_events_followup_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_followup_events")),
    )
    with op.batch_alter_table("followup_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_followup_events_followup_id"), ["followup_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("followup_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_followup_events_followup_id"))

    op.drop_table("followup_events")
    op.drop_table("visit_revisions")
    with op.batch_alter_table("visit_people", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_people_person_uuid"))

    op.drop_table("visit_people")
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reviews_visit_uuid"))

    op.drop_table("reviews")
    op.drop_table("person_tags")
    with op.batch_alter_table("followups", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_followups_visit_uuid"))
        batch_op.drop_index("ix_followups_state_area")
        batch_op.drop_index(batch_op.f("ix_followups_household_uuid"))
        batch_op.drop_index("ix_followups_assignee_state")

    op.drop_table("followups")
    with op.batch_alter_table("flags", schema=None) as batch_op:
        batch_op.drop_index("ix_flags_visit_rule")

    op.drop_table("flags")
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.drop_index("ix_visits_worker_finished")
        batch_op.drop_index("ix_visits_state_area")
        batch_op.drop_index("ix_visits_household_finished")

    op.drop_table("visits")
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_people_phone_tail_hash"))
        batch_op.drop_index(batch_op.f("ix_people_phone_hash"))
        batch_op.drop_index(batch_op.f("ix_people_id_tail_hash"))
        batch_op.drop_index(batch_op.f("ix_people_id_hash"))
        batch_op.drop_index(batch_op.f("ix_people_household_uuid"))

    op.drop_table("people")
    with op.batch_alter_table("user_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_sessions_user_id"))

    op.drop_table("user_sessions")
    with op.batch_alter_table("user_scopes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_scopes_user_id"))
        batch_op.drop_index(batch_op.f("ix_user_scopes_area_code"))

    op.drop_table("user_scopes")
    with op.batch_alter_table("operations", schema=None) as batch_op:
        batch_op.drop_index("ix_operations_user_record")
        batch_op.drop_index("ix_operations_state_user")

    op.drop_table("operations")
    with op.batch_alter_table("households", schema=None) as batch_op:
        batch_op.drop_index("ix_households_grid_due")

    op.drop_table("households")
    op.drop_table("checklist_versions")
    op.drop_table("attachment_uploads")
    op.drop_table("users")
    op.drop_table("sign_in_failures")
    op.drop_table("server_state")
    op.drop_table("feeds")
    with op.batch_alter_table("feed_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_feed_entries_feed_number")

    op.drop_table("feed_entries")
    op.drop_table("codes")
    op.drop_table("checklists")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entries_subject")
        batch_op.drop_index(batch_op.f("ix_audit_entries_at"))

    op.drop_table("audit_entries")
    op.drop_table("attachments")
    with op.batch_alter_table("attachment_uses", schema=None) as batch_op:
        batch_op.drop_index("ix_attachment_uses_record")

    op.drop_table("attachment_uses")
    with op.batch_alter_table("areas", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_areas_parent_code"))

    op.drop_table("areas")
