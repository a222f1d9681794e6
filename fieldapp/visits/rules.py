"""What a phone sends of a visit, and how places compare.

Invariant: a body that passes `VisitBody` can be stored as it is; whatever the checklist says of its answers comes later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from geopy.distance import geodesic
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from fieldapp.core.errors import AppError

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Stored and compared as text in the canonical spelling.
UuidStr = Annotated[str, BeforeValidator(lambda value: str(UUID(value)) if isinstance(value, str) else value)]


class Body(BaseModel):
    """The base of all bodies: what it does not know is refused, so that nothing is dropped in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ChecklistRef(Body):
    """Which checklist, in which version."""

    key: Annotated[str, Field(max_length=60)]
    version: Annotated[str, Field(max_length=40)]


class Location(Body):
    """A place as the phone measured it, never converted."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    accuracy_m: Annotated[float, Field(ge=0, le=1_000_000)]
    datum: Literal["WGS84", "GCJ02", "BD09"]
    at: AwareDatetime


class PhotoRef(Body):
    """A photo that goes up on its own, named by its hash."""

    sha256: Sha256
    question: Annotated[str, Field(max_length=300)]
    taken_at: AwareDatetime | None = None
    size: Annotated[int, Field(ge=0)] | None = None


class UrgentCall(Body):
    """A call made from a red answer."""

    to: Literal["duty", "110", "120"]
    at: AwareDatetime


class VisitBody(Body):
    """The body of visit.submit and visit.revise (DESIGN section 5)."""

    visit_uuid: UuidStr
    household_uuid: UuidStr | None
    people: Annotated[list[UuidStr], Field(max_length=50)]
    outcome: Literal["reached", "not_reached", "refused"]
    checklist: ChecklistRef
    method: Literal["home", "phone", "wechat", "video", "patrol"]
    started_at: AwareDatetime
    finished_at: AwareDatetime
    location: Location | None = None
    location_declined: Annotated[str, Field(max_length=300)] | None = None
    answers: dict[str, Any]
    attachments: Annotated[list[PhotoRef], Field(max_length=100)] = []
    urgent_calls: Annotated[list[UrgentCall], Field(max_length=50)] = []


B = TypeVar("B", bound=BaseModel)


def read_body(model: type[B], body: Any) -> B:
    """`body` as `model`; raises body_invalid naming the fields that are missing or wrong."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        fields = {".".join(map(str, item["loc"])): item["type"] for item in error.errors()}
        raise AppError("body_invalid", fields=fields) from None


def distance_m(location: Location | None, lat: float | None, lon: float | None, datum: str | None) -> float | None:
    """Metres from the measured place to the registered one; None when either is missing or their datums differ."""
    if location is None or lat is None or lon is None or location.datum != datum:
        return None
    return round(geodesic((location.lat, location.lon), (lat, lon)).meters, 1)


def corrected(instant: datetime, offset_s: int) -> datetime:
    """A phone's instant by the server's clock."""
    return instant + timedelta(seconds=offset_s)


def carry_answers(nodes: list[dict[str, Any]], answers: dict[str, Any], people: list[str]) -> dict[str, Any]:
    """The part of `answers` that belongs to `carry` questions, in the same shape.

    `people` are the uuids of the repeat of that name, in its order; its items are given their `person_uuid`.
    """
    kept: dict[str, Any] = {}
    for node in nodes:
        value = answers.get(node["name"])
        if node["kind"] == "question" and node.get("carry") and isinstance(value, str) and value:
            kept[node["name"]] = value
        elif node["kind"] == "group" and isinstance(value, dict):
            if inner := carry_answers(node["children"], value, people):
                kept[node["name"]] = inner
        elif node["kind"] == "repeat" and node["name"] == "people" and isinstance(value, list):
            kept["people"] = [
                {"person_uuid": person_uuid, **carry_answers(node["children"], item, [])}
                for person_uuid, item in zip(people, value, strict=False)
                if isinstance(item, dict)
            ]
    return kept
