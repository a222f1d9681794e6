"""Writes of checklists: a workbook becomes a version, a version is published to areas and retired there.

Invariant: what a phone was ever given stays stored as it was.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import defer

from fieldapp.areas import queries as areas
from fieldapp.checklists import queries, sync
from fieldapp.checklists.compiler.compile import Compiled, compile_workbook
from fieldapp.checklists.compiler.limits import Limits
from fieldapp.checklists.compiler.problems import ChecklistRefused, in_lines
from fieldapp.checklists.models import (
    NAME_LIMIT,
    OWNER_LIMIT,
    PURPOSE_LIMIT,
    Checklist,
    ChecklistFile,
    ChecklistVersion,
    Publication,
    Registration,
)
from fieldapp.core import audit, clock, scope
from fieldapp.core.codes import list_codes, list_seed_codes
from fieldapp.core.db import db, insert_if_absent
from fieldapp.core.errors import AppError
from fieldapp.users.models import User

LIBRARY = Path(__file__).parent / "library"
# Characters that no page shows and PostgreSQL does not store.
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f]")
# The area the shipped checklists belong to: the province whose notice they serve.
PROVINCE = "23"


def compile_upload(content: bytes, files: Mapping[str, bytes], filename: str = "") -> Compiled:
    """Compile what was uploaded; call outside a transaction, for it may take seconds. Raises ChecklistRefused.

    A checklist that does not name itself is named after its file.
    """
    types = {code.code for code in list_codes("followup_type")}
    limits = Limits.of(current_app.config["FIELDAPP"])
    return compile_workbook(content, types, files=files, name=Path(filename).stem, limits=limits)


def store_version(
    actor: User | None,
    area_code: str,
    filename: str,
    content: bytes,
    files: Mapping[str, bytes],
    compiled: Compiled,
    now: datetime,
) -> tuple[ChecklistVersion, bool]:
    """Store a compiled workbook as the next version of its checklist for an area; nobody is given it yet.

    Returns the version and whether it is new: the same files are not stored twice for an area. Raises not_found
    when the area is beyond the actor.
    """
    if actor is not None and not scope.covers(actor.area_codes(now), area_code):
        raise AppError("not_found")
    key = compiled.document["key"]
    insert_if_absent(Checklist, key=key)
    _lock(key)
    _register(key, area_code, compiled)
    versions = list(
        db.session.scalars(
            select(ChecklistVersion)
            .where(ChecklistVersion.key == key)
            .options(defer(ChecklistVersion.document))
            .execution_options(populate_existing=True)
        )
    )
    sha256 = hashlib.sha256(content).hexdigest()
    for known in versions:
        same_book = known.area_code == area_code and known.workbook_sha256 == sha256
        if same_book and {file.name: file.content for file in known.files} == dict(files):
            return known, False
    version = ChecklistVersion(
        key=key,
        version=str(max((known.number for known in versions), default=0) + 1),
        area_code=area_code,
        xform=compiled.xform,
        workbook=content,
        workbook_sha256=sha256,
        filename=_NO_TEXT.sub("", Path(filename).name)[:NAME_LIMIT],
        notices=compiled.notices,
        created_at=now,
        created_by_id=actor.id if actor else None,
        files=[ChecklistFile(name=name, content=body) for name, body in sorted(files.items())],
    )
    # The server numbers versions; what the workbook calls itself stays in the workbook.
    version.document = {**compiled.document, "version": version.version}
    db.session.add(version)
    db.session.flush()
    audit.record(
        actor,
        "checklist.upload",
        "checklist",
        key,
        at=now,
        version=version.version,
        area=area_code,
        filename=version.filename,
    )
    return version, True


def register_checklist(
    actor: User,
    key: str,
    area_code: str,
    *,
    owner: str,
    purpose: str,
    valid_until: date | None,
    now: datetime,
) -> None:
    """Write down who answers for a checklist, why and until when, and tell phones. Raises not_found."""
    codes = actor.area_codes(now)
    _lock(key)
    registration = queries.get_registration(key, area_code, codes)
    if not scope.covers(codes, area_code):
        raise AppError("outside_own_area")
    registration.owner, registration.purpose, registration.valid_until = owner, purpose, valid_until
    db.session.flush()
    for publication in db.session.scalars(
        select(Publication)
        .join(Publication.of_version)
        .where(
            ChecklistVersion.key == key,
            ChecklistVersion.area_code == area_code,
            Publication.retired_at.is_(None),
        )
    ):
        sync.publish_offer(publication)
    audit.record(
        actor,
        "checklist.register",
        "checklist",
        key,
        at=now,
        area=area_code,
        owner=owner,
        purpose=purpose,
        valid_until=valid_until.isoformat() if valid_until else None,
    )


def publish_version(
    actor: User,
    key: str,
    version_name: str,
    area_codes: Iterable[str],
    *,
    from_on: date,
    until_on: date | None,
    now: datetime,
) -> list[Publication]:
    """Put a version in force in those areas from one day (to another), and tell phones.

    Returns the new publications; one that is there already with the same days is not made again. Raises not_found
    for a version the actor does not see, outside_own_area for an area beyond the actor or beyond the version's own
    area (or for none at all), registry_needed while nobody says who answers for the checklist and why.
    """
    codes = actor.area_codes(now)
    _lock(key)
    version = queries.get_visible_version(key, version_name, codes)
    wanted = sorted(set(area_codes))
    own = areas.get_names(
        code for code in wanted if scope.covers(codes, code) and scope.covers([version.area_code], code)
    )
    if len(own) < len(wanted):
        raise AppError("outside_own_area")
    registration = db.session.get_one(Registration, (key, version.area_code))
    if not (registration.owner and registration.purpose):
        raise AppError("registry_needed")
    there = {
        (item.area_code, item.from_on, item.until_on)
        for item in db.session.scalars(
            select(Publication).where(
                Publication.key == key,
                Publication.version == version.version,
                Publication.retired_at.is_(None),
            )
        )
    }
    return [
        _publish(actor, version, area_code, from_on, until_on, now)
        for area_code in wanted
        if (area_code, from_on, until_on) not in there
    ]


def carry_publications(actor: User, area_code: str, to_code: str, now: datetime) -> None:
    """Put what is in force in that very area in force in another one that goes on with a part of it, for the same days."""
    carried = db.session.scalars(
        select(Publication)
        .where(Publication.area_code == area_code, Publication.retired_at.is_(None))
        .order_by(Publication.id)
    ).all()
    for publication in carried:
        _publish(actor, publication.of_version, to_code, publication.from_on, publication.until_on, now)


def retire_publication(actor: User, publication_id: int, now: datetime) -> Publication:
    """Take a version out of force where it was published; phones let go of it, drafts go on.

    Raises not_found, outside_own_area. Retiring again changes nothing.
    """
    codes = actor.area_codes(now)
    publication = queries.get_publication(publication_id, codes)
    _lock(publication.key)
    db.session.refresh(publication)
    if not queries.can_retire(publication, codes, areas.widen(codes)):
        raise AppError("outside_own_area")
    if publication.retired_at is None:
        _retire(actor, publication, now)
    return publication


def delete_version(actor: User, key: str, version_name: str, now: datetime) -> None:
    """Delete a version no phone was ever given. Raises not_found, outside_own_area, version_was_published."""
    codes = actor.area_codes(now)
    _lock(key)
    version = queries.get_visible_version(key, version_name, codes)
    if not scope.covers(codes, version.area_code):
        raise AppError("outside_own_area")
    if db.session.scalar(
        select(Publication.id).where(Publication.key == key, Publication.version == version_name).limit(1)
    ):
        raise AppError("version_was_published")
    area_code = version.area_code
    db.session.delete(version)
    db.session.flush()
    _forget_if_empty(key, area_code)
    audit.record(actor, "checklist.delete", "checklist", key, at=now, version=version_name, area=area_code)


def record_download(actor: User, version: ChecklistVersion, filename: str, now: datetime) -> None:
    """Note that somebody took a file of a version with them."""
    audit.record(
        actor,
        "checklist.download",
        "checklist",
        version.key,
        at=now,
        version=version.version,
        filename=filename,
    )


def publish_library(now: datetime) -> None:
    """Bring the shipped checklists up to date: new and changed ones are published, those no longer shipped retired.

    What an officer of the province uploaded or published stays as it is, and so does what a county has of its own.
    A changed one that somebody retired is only stored: they said that it is not wanted.
    """
    shipped = {path.stem: path.read_bytes() for path in sorted(LIBRARY.glob("*.xlsx"))}
    for key, content in shipped.items():
        latest = _find_latest(key)
        sha256 = hashlib.sha256(content).hexdigest()
        if latest and (latest.created_by_id is not None or latest.workbook_sha256 == sha256):
            continue
        compiled = compile_upload(content, {})
        version, _ = store_version(None, PROVINCE, f"{key}.xlsx", content, {}, compiled, now)
        if _is_unwanted(key):
            continue
        for earlier in _list_standing(key):
            _retire(None, earlier, now)
        _publish(None, version, PROVINCE, clock.local_date(now), None, now)
    for publication in _list_standing():
        if publication.key not in shipped:
            _retire(None, publication, now)


def check_files(paths: Iterable[Path], limits: Limits | None = None) -> tuple[list[str], bool]:
    """A line for each file (`ok …` or `refused …` with every reason), and whether all are ok.

    CSV files are looked for beside each workbook and in the folder `<its name>-media`.
    """
    types = list_seed_codes("followup_type")
    lines, all_ok = [], True
    for path in paths:
        name = path.name.encode(errors="replace").decode()
        try:
            compiled = compile_workbook(
                path.read_bytes(), types, files=_files_beside(path), name=path.stem, limits=limits
            )
        except ChecklistRefused as refusal:
            all_ok = False
            lines.append(f"refused {name}")
            lines += [f"  {line}" for line in in_lines(refusal.problems)]
        except OSError as error:
            all_ok = False
            lines += [f"refused {name}", f"  {error.strerror}"]
        else:
            languages = ", ".join(compiled.document["languages"])
            lines.append(f"ok {name}: {compiled.question_count} questions, languages {languages}")
            lines += [f"  notice: {notice}" for notice in compiled.notices]
    return lines, all_ok


def _files_beside(path: Path) -> dict[str, bytes]:
    found = [
        *path.parent.glob("*.[cC][sS][vV]"),
        *(path.parent / f"{path.stem}-media").glob("*.[cC][sS][vV]"),
    ]
    return {file.name: file.read_bytes() for file in found if file.is_file()}


def _lock(key: str) -> None:
    """Let nobody else number, register, publish or delete versions of this checklist until the transaction ends."""
    db.session.get(Checklist, key, with_for_update=True, populate_existing=True)


def _register(key: str, area_code: str, compiled: Compiled) -> None:
    """See that the area has a registration; what the workbook says fills what nobody has said yet.

    A last day counts from the first workbook alone: a later one would end what is in force before it is published.
    """
    said = compiled.document.get("registry", {})
    registration = db.session.get(Registration, (key, area_code))
    if registration is None:
        ends = said.get("valid_until")
        registration = Registration(
            key=key,
            area_code=area_code,
            owner="",
            purpose="",
            valid_until=date.fromisoformat(ends) if ends else None,
        )
        db.session.add(registration)
    registration.owner = registration.owner or said.get("owner", "")[:OWNER_LIMIT]
    registration.purpose = registration.purpose or said.get("purpose", "")[:PURPOSE_LIMIT]
    db.session.flush()


def _forget_if_empty(key: str, area_code: str) -> None:
    if not db.session.scalar(
        select(ChecklistVersion.version)
        .where(ChecklistVersion.key == key, ChecklistVersion.area_code == area_code)
        .limit(1)
    ):
        db.session.delete(db.session.get_one(Registration, (key, area_code)))


def _publish(
    actor: User | None,
    version: ChecklistVersion,
    area_code: str,
    from_on: date,
    until_on: date | None,
    now: datetime,
) -> Publication:
    publication = Publication(
        key=version.key,
        version=version.version,
        area_code=area_code,
        from_on=from_on,
        until_on=until_on,
        published_at=now,
        published_by_id=actor.id if actor else None,
    )
    db.session.add(publication)
    db.session.flush()
    sync.publish_offer(publication)
    audit.record(
        actor,
        "checklist.publish",
        "checklist",
        version.key,
        at=now,
        version=version.version,
        area=area_code,
        from_on=from_on.isoformat(),
        until_on=until_on.isoformat() if until_on else None,
    )
    return publication


def _retire(actor: User | None, publication: Publication, now: datetime) -> None:
    publication.retired_at = now
    publication.retired_by_id = actor.id if actor else None
    sync.publish_offer(publication)
    audit.record(
        actor,
        "checklist.retire",
        "checklist",
        publication.key,
        at=now,
        version=publication.version,
        area=publication.area_code,
    )


def _find_latest(key: str) -> ChecklistVersion | None:
    """The latest version of the province's own."""
    versions = db.session.scalars(
        select(ChecklistVersion)
        .where(ChecklistVersion.key == key, ChecklistVersion.area_code == PROVINCE)
        .options(defer(ChecklistVersion.document))
    )
    return max(versions, key=lambda version: version.number, default=None)


def _is_unwanted(key: str) -> bool:
    """Whether somebody retired what last came with the program of this checklist."""
    last = (
        select(Publication.retired_by_id)
        .where(Publication.key == key, Publication.published_by_id.is_(None))
        .order_by(Publication.id.desc())
        .limit(1)
    )
    return db.session.scalar(last) is not None


def _list_standing(key: str | None = None) -> list[Publication]:
    """Publications that came with the program and were not retired, all or of one checklist."""
    wanted = select(Publication).where(
        Publication.published_by_id.is_(None), Publication.retired_at.is_(None)
    )
    return list(db.session.scalars(wanted.where(Publication.key == key) if key is not None else wanted))
