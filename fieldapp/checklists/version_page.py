"""What the page of a version shows besides its row: what it changes against another, and where it may be published.

Invariant: an area offered here is one the installation has, within the reader's own and the version's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS
from fieldapp.checklists import queries
from fieldapp.checklists.changes import Changes, compare_versions, plain_text
from fieldapp.checklists.compiler.problems import ChecklistRefused
from fieldapp.checklists.compiler.sources import read_source
from fieldapp.checklists.models import ChecklistVersion, Publication
from fieldapp.core import scope


@dataclass(frozen=True)
class Places:
    """Where an officer may publish a version: an area and its parts, and the way down to it."""

    within: str  # the area whose parts are offered; "" when the officer may publish the version nowhere
    choices: Sequence[tuple[str, str, bool]]  # code, name, whether there is something below
    way: Sequence[tuple[str, str]]  # code and name of the areas above, as far up as the officer may publish


def list_places(version: ChecklistVersion, area_codes: Sequence[str], wanted: str = "") -> Places:
    """The places for a holder of `area_codes`, within the area `wanted` or the widest one."""
    roots = [code for code in area_codes if scope.covers([version.area_code], code)]
    if scope.covers(area_codes, version.area_code):
        roots = [version.area_code]
    if not roots:
        return Places("", (), ())
    names = areas.get_names([wanted, roots[0]])
    within = wanted if wanted in names and scope.covers(roots, wanted) else roots[0]
    parts = areas.list_children([within])
    choices = [(within, names.get(within, within), False)]
    choices += [(area.code, area.name, not area.holds_households) for area in parts]
    above = [within[:digits] for digits in LEVELS.values() if digits < len(within)]
    names_above = areas.get_names(code for code in above if scope.covers(roots, code))
    return Places(within, choices, sorted(names_above.items()))


def list_shown_publications(version: ChecklistVersion, area_codes: Sequence[str]) -> list[Publication]:
    """Where a version was published, as far as a reader of `area_codes` sees: a neighbour's are nothing to them."""
    return [item for item in version.publications if queries.is_on_branch(item.area_code, area_codes)]


def find_against(
    version: ChecklistVersion, others: Iterable[ChecklistVersion], wanted: str | None
) -> ChecklistVersion | None:
    """The version to compare with: the one `wanted`, else the one its author most likely began with."""
    if wanted and wanted != version.version:
        return next((other for other in others if other.version == wanted), None)
    return queries.find_earlier(version)


def compare(old: ChecklistVersion, new: ChecklistVersion) -> Changes:
    """What `new` changes against `old`, told in their authors' words."""
    return compare_versions(old.document, new.document, _source_of(old), _source_of(new))


def label_of(node: Mapping[str, Any]) -> str:
    """What a question is called on the page: its words, without them its name."""
    texts = node.get("label") or {}
    text = texts.get(str(get_locale())) or texts.get("zh") or next(iter(texts.values()), "")
    return plain_text(text) or str(node["name"])


def _source_of(version: ChecklistVersion) -> dict[str, dict[str, str]]:
    """What its author wrote; a workbook that cannot be read any more has no words of its own."""
    try:
        return read_source(version.workbook)
    except ChecklistRefused:
        return {}
