"""The registry as its pages show it: each checklist of an area with what is in force of it, and where.

Invariant: everything here is prepared from stored rows; nothing is decided that phones would decide otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fieldapp.areas import queries as areas
from fieldapp.checklists import queries
from fieldapp.checklists.models import ChecklistVersion, Publication, Registration
from fieldapp.checklists.offers import Offer, choose
from fieldapp.core import scope

# States of a publication, and of an entry of the registry as a whole.
IN_FORCE, LATER, COVERED, ENDED, EXPIRED, RETIRED, UNPUBLISHED = (
    "in_force",
    "later",
    "covered",
    "ended",
    "expired",
    "retired",
    "unpublished",
)


@dataclass(frozen=True)
class Standing:
    """A publication and what it is worth today."""

    publication: Publication
    state: str
    covered_by: str = ""  # the version that counts in its place
    can_retire: bool = False


@dataclass(frozen=True)
class Entry:
    """A checklist of an area: who answers for it, its versions, newest first, and where they are in force."""

    registration: Registration
    versions: Sequence[ChecklistVersion]
    standings: Sequence[Standing]
    state: str
    can_change: bool

    @property
    def latest(self) -> ChecklistVersion:
        """The newest version."""
        return self.versions[0]


def prepare_entries(
    registrations: Iterable[Registration], area_codes: Sequence[str], today: date, *, may_act: bool
) -> list[Entry]:
    """The entries of those registrations for a reader of `area_codes`."""
    registrations = list(registrations)
    keys = {registration.key for registration in registrations}
    offers: dict[str, list[Offer]] = {key: [] for key in keys}
    for offer in queries.list_offers(Publication.key.in_(keys)):
        offers[offer.key].append(offer)
    widened = areas.widen(area_codes) if may_act else []
    versions: dict[tuple[str, str], list[ChecklistVersion]] = {}
    for version in queries.list_versions(area_codes, keys):
        versions.setdefault((version.key, version.area_code), []).append(version)
    # The page says their titles; those of older versions are on pages of their own.
    queries.find_versions((of_area[0].key, of_area[0].version) for of_area in versions.values())
    return [
        _entry(
            registration,
            versions.get((registration.key, registration.area_code), []),
            offers[registration.key],
            area_codes,
            widened,
            today,
            may_act=may_act,
        )
        for registration in registrations
        if (registration.key, registration.area_code) in versions
    ]


def _entry(
    registration: Registration,
    versions: Sequence[ChecklistVersion],
    offers: Sequence[Offer],
    area_codes: Sequence[str],
    widened: Sequence[str],
    today: date,
    *,
    may_act: bool,
) -> Entry:
    by_id = {offer.id: offer for offer in offers}
    standings = [
        _standing(
            publication,
            registration,
            by_id,
            today,
            can_act=may_act and queries.can_retire(publication, area_codes, widened),
        )
        for version in versions
        for publication in sorted(
            version.publications, key=lambda item: (item.retired_at is not None, -item.id)
        )
        if queries.is_on_branch(publication.area_code, area_codes)
    ]
    standings.sort(key=lambda standing: _ORDER.index(standing.state))
    return Entry(
        registration,
        versions,
        standings,
        _state_of(registration, standings, today),
        may_act and scope.covers(area_codes, registration.area_code),
    )


_ORDER = (IN_FORCE, LATER, COVERED, EXPIRED, ENDED, RETIRED)


def _standing(
    publication: Publication,
    registration: Registration,
    offers: Mapping[int, Offer],
    today: date,
    *,
    can_act: bool,
) -> Standing:
    if publication.retired_at is not None:
        return Standing(publication, RETIRED)
    if publication.until_on is not None and publication.until_on < today:
        return Standing(publication, ENDED)
    if registration.valid_until is not None and registration.valid_until < today:
        return Standing(publication, EXPIRED, can_retire=can_act)
    if publication.from_on > today:
        return Standing(publication, LATER, can_retire=can_act)
    # In its own area: what stands further below for itself is told on its own line.
    counts = choose(offers.values(), publication.area_code, today)[publication.key]
    if counts.id == publication.id:
        return Standing(publication, IN_FORCE, can_retire=can_act)
    return Standing(publication, COVERED, counts.version, can_retire=can_act)


def _state_of(registration: Registration, standings: Sequence[Standing], today: date) -> str:
    if registration.valid_until is not None and registration.valid_until < today:
        return EXPIRED
    states = {standing.state for standing in standings}
    return next((state for state in _ORDER if state in states), UNPUBLISHED)
