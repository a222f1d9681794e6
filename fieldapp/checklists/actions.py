"""Writes of checklists: a workbook becomes a version, a version is published.

Invariant: what a phone was ever given stays stored as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from fieldapp.checklists.compiler import compile_workbook
from fieldapp.checklists.models import Checklist, ChecklistVersion
from fieldapp.checklists.problems import ChecklistRefused
from fieldapp.core import audit
from fieldapp.core.codes import list_codes, list_seed_codes
from fieldapp.core.db import db
from fieldapp.core.feeds import COMMON, publish
from fieldapp.users.models import User

LIBRARY = Path(__file__).parent / "library"


def publish_workbook(actor: User | None, filename: str, content: bytes, now: datetime) -> ChecklistVersion:
    """Compile a workbook, store it as the next version of its checklist and give it to phones.

    A workbook that is the published version already changes nothing. Raises ChecklistRefused.
    """
    compiled = compile_workbook(content, {code.code for code in list_codes("followup_type")})
    key = compiled.document["key"]
    checklist = db.session.get(Checklist, key)
    if checklist is None:
        checklist = Checklist(key=key)
        db.session.add(checklist)
        db.session.flush()
    sha256 = hashlib.sha256(content).hexdigest()
    current = next((item for item in checklist.versions if item.version == checklist.published_version), None)
    if current is not None and current.workbook_sha256 == sha256:
        return current
    version = ChecklistVersion(
        key=key,
        version=str(len(checklist.versions) + 1),
        xform=compiled.xform,
        workbook=content,
        workbook_sha256=sha256,
        filename=Path(filename).name[:200],
        created_at=now,
        created_by_id=actor.id if actor else None,
    )
    # The server numbers versions; what the workbook calls itself stays in the workbook.
    version.document = {**compiled.document, "version": version.version}
    checklist.versions.append(version)
    checklist.published_version = version.version
    db.session.flush()
    audit.record(
        actor, "checklist.publish", "checklist", key, at=now, version=version.version, filename=filename
    )
    publish(COMMON, "checklist", key)
    return version


def publish_library(now: datetime) -> None:
    """Publish those of the shipped workbooks whose checklist the installation does not have yet."""
    for path in sorted(LIBRARY.glob("*.xlsx")):
        # What a county made of a shipped checklist stays.
        if db.session.get(Checklist, path.stem) is None:
            publish_workbook(None, path.name, path.read_bytes(), now)


def check_files(paths: Iterable[Path]) -> tuple[list[str], bool]:
    """A line for each file (`ok …` or `refused …` with every reason), and whether all are ok."""
    types = list_seed_codes("followup_type")
    lines, all_ok = [], True
    for path in paths:
        try:
            compiled = compile_workbook(path.read_bytes(), types)
        except ChecklistRefused as refusal:
            all_ok = False
            lines.append(f"refused {path.name}")
            lines += [f"  {problem}" for problem in refusal.problems]
        else:
            languages = ", ".join(compiled.document["languages"])
            lines.append(f"ok {path.name}: {compiled.question_count} questions, languages {languages}")
            lines += [f"  notice: {notice}" for notice in compiled.notices]
    return lines, all_ok
