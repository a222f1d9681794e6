"""Which pages each walk stops at; together they are all there are (test_pages.py)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

PHONE = frozenset({"/app/"})
DESK = frozenset(
    {
        "/",
        "/accounts",
        "/aid",
        "/aid/<uuid:aid_uuid>",
        "/aid/new",
        "/aid/new/<kind>",
        "/aid/policy",
        "/coverage",
        "/coverage/people",
        "/coverage/problems",
        "/feedback",
        "/feedback/<uuid:feedback_uuid>",
        "/flag-rules",
        "/flag-rules/rule",
        "/followups",
        "/followups/<uuid:followup_id>",
        "/followups/board",
        "/followups/new",
        "/households/<uuid:household_uuid>",
        "/households/<uuid:household_uuid>/aid",
        "/map",
        "/review-policy",
        "/reviews",
        "/reviews/<uuid:visit_uuid>",
        "/revisits",
        "/revisits/<uuid:revisit_id>",
        "/revisits/policy",
        "/sign-in",
    }
)
UPLOADS = frozenset(
    {
        "/households/<uuid:household_uuid>/move",
        "/households/<uuid:household_uuid>/story",
        "/quarantine",
        "/quarantine/<int:user_id>/<uuid:op_uuid>/<body_hash>",
        "/quarantine/recorded",
    }
)
PEOPLE = frozenset(
    {
        "/households/<uuid:household_uuid>/edit",
        "/households/<uuid:household_uuid>/history",
        "/households/<uuid:household_uuid>/numbers",
        "/households/<uuid:household_uuid>/people/new",
        "/people",
        "/people/<uuid:person_uuid>/edit",
        "/people/<uuid:person_uuid>/leaving",
        "/people/<uuid:person_uuid>/relatives",
        "/people/my-relatives",
        "/people/new-household",
        "/people/notice",
        "/people/registered",
    }
)
REGISTRY = frozenset(
    {
        "/areas/<code>",
        "/areas/<code>/ledger",
        "/due",
        "/duplicates",
        "/duplicates/households/<uuid:household_uuid>/<uuid:other_household_uuid>",
        "/duplicates/people/<uuid:person_uuid>/<uuid:other_person_uuid>",
        "/duplicates/ruled-out",
        "/households/<uuid:household_uuid>/blank-record",
        "/households/<uuid:household_uuid>/entry",
        "/households/<uuid:household_uuid>/entry/form",
        "/households/<uuid:household_uuid>/record",
        "/imports",
        "/imports/<int:import_id>",
        "/merges/<int:merge_id>",
        "/periods",
        "/screenings",
        "/screenings/<int:screening_id>",
        "/sweeps",
        "/sweeps/<int:sweep_id>",
        "/sweeps/new",
    }
)
RED = frozenset(
    {
        "/duty",
        "/followups/<uuid:followup_id>/refer",
        "/followups/take-in",
        "/incidents",
        "/incidents/<int:incident_id>",
        "/notices",
        "/providers",
        "/providers/<int:provider_id>",
        "/referrals/<int:referral_id>",
    }
)
PHONES_AND_AREAS = frozenset(
    {
        "/accounts/<int:user_id>",
        "/areas/<code>",
        "/channels",
        "/channels/<int:channel_id>",
        "/handover",
        "/phones",
    }
)
CHECKLISTS = frozenset(
    {
        "/checklist-upload",
        "/checklists",
        "/checklists/<key>",
        "/checklists/<key>/<version>",
        "/checklists/<key>/<version>/frame",
        "/checklists/<key>/<version>/preview",
    }
)
RELIEF = frozenset(
    {
        "/calendar",
        "/deputy",
        "/relief",
        "/relief/<uuid:case_id>",
        "/relief/funds",
        "/relief/funds/<township_code>",
        "/relief/new",
        "/relief/policy",
        "/relief/public",
    }
)
PAYMENTS = frozenset(
    {
        "/calendar/weeks",
        "/payments",
        "/payments/<int:list_id>",
        "/payments/<int:list_id>/rows/<int:row_number>",
    }
)
REPORTS = frozenset(
    {
        "/reports/<report_id>",
        "/reports/<report_id>/records/<part>/<column>",
        "/reports/<report_id>/return/<county_code>",
        "/reports/<report_id>/sheets/<int:number>",
    }
)
TABLES = frozenset({"/tables", "/tables/table"})
PAGES = (
    TABLES
    | PAYMENTS
    | REPORTS
    | RELIEF
    | PHONE
    | DESK
    | UPLOADS
    | PEOPLE
    | REGISTRY
    | RED
    | PHONES_AND_AREAS
    | CHECKLISTS
)


def rule_of(url: str) -> str:
    """The rule of a page's address; "" when it is none of the pages, as after a form that was sent with a mistake."""
    path = urlsplit(url).path
    rules = sorted(PAGES, key=lambda rule: rule.count("<"))
    return next((rule for rule in rules if re.fullmatch(re.sub(r"<[^>]+>", "[^/]+", rule), path)), "")
