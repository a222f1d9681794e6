"""What phones get of checklists: a record for each publication in force now or later in their worker's areas.

Invariant: a publication belongs to the feed of its area, so whoever gains a grid reads the feeds above it from their
beginning, and whoever loses one is told to let go of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import select

from fieldapp.checklists.models import ChecklistVersion, Publication, Registration
from fieldapp.checklists.offers import Offer
from fieldapp.checklists.queries import find_versions, list_offers
from fieldapp.core.db import db
from fieldapp.core.feeds import publish


def publish_offer(publication: Publication) -> None:
    """Tell the phones below its area that a publication came, changed or ended."""
    publish(publication.area_code, "checklist", str(publication.id))


def list_records(publication_ids: Iterable[str], today: date) -> dict[str, dict[str, Any]]:
    """By id, those of the publications that are in force today or will be."""
    wanted = [int(id_) for id_ in publication_ids if id_.isdigit()]
    offers = [
        offer
        for offer in list_offers(Publication.id.in_(wanted))
        if offer.until_on is None or offer.until_on >= today
    ]
    versions = find_versions((offer.key, offer.version) for offer in offers)
    registrations = {
        (row.key, row.area_code): row
        for row in db.session.scalars(
            select(Registration).where(Registration.key.in_({offer.key for offer in offers}))
        )
    }
    records = {}
    for offer in offers:
        version = versions[offer.key, offer.version]
        records[str(offer.id)] = _record(version, offer, registrations[offer.key, version.area_code])
    return records


def list_version_records(wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """By key and version, records that bring a version without offering it: for what is open with an old one."""
    return {pair: _record(version, None, None) for pair, version in find_versions(wanted).items()}


def _record(
    version: ChecklistVersion, offer: Offer | None, registration: Registration | None
) -> dict[str, Any]:
    return {
        "key": version.key,
        "version": version.version,
        "document": version.document,
        "offer": {
            "id": offer.id,
            "area_code": offer.area_code,
            "from_on": offer.from_on.isoformat(),
            "until_on": offer.until_on.isoformat() if offer.until_on else None,
            "use": version.document.get("use", "visit"),
            "title": version.document["title"],
            "owner": registration.owner,
            "purpose": registration.purpose,
        }
        if offer and registration
        else None,
    }
