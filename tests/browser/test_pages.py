"""No page is forgotten by the walks that look at every page (barriers.py)."""

from __future__ import annotations

from tests.browser.pages import PAGES

# What answers a GET and is no page: files, JSON, pieces of pages, ways on to a page.
NO_PAGES = {
    "/api/attachments/<sha256>",
    "/api/session",
    "/api/sync/pull",
    "/app",
    "/app/manifest.webmanifest",
    "/app/sw.js",
    "/areas",
    "/areas/<code>/ledger.xlsx",
    "/checklists/<key>/<version>/document",
    "/checklists/<key>/<version>/files/<filename>",
    "/checklists/<key>/<version>/workbook",
    "/due/suggestions",
    "/followups/<uuid:followup_id>/aid",
    "/healthz",
    "/imports/<int:import_id>/refused.xlsx",
    "/incidents/alarm",
    "/map/points",
    "/notices/<int:notice_id>",
    "/periods/<int:period_id>/progress",
    "/readyz",
    "/relief/public/workbook",
    "/reports",
    "/reports/<report_id>.xlsx",
    "/reviews/<uuid:visit_uuid>/help",
    "/reviews/<uuid:visit_uuid>/queue",
    "/static/<path:name>",
    "/sweeps/<int:sweep_id>/not-reached.xlsx",
    "/tables/<int:table_id>",
}
# The same form again with what was typed before: that of /households/<household_uuid>/entry/form, that of /relief/new.
SAME_PAGES = {"/reviews/<uuid:visit_uuid>/correct", "/relief/<uuid:case_id>/edit"}


def test_every_page_is_walked(app):
    rules = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert rules - NO_PAGES - SAME_PAGES == PAGES
