"""Reading what phones send: the base of all request bodies and the one way to read them.

Invariant: what a body does not know is refused, so that nothing is dropped in silence.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from fieldapp.core.errors import AppError

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Stored and compared as text in the canonical spelling.
UuidStr = Annotated[str, BeforeValidator(lambda value: str(UUID(value)) if isinstance(value, str) else value)]


def is_uuid(value: Any) -> bool:
    """Whether a value from a phone is a uuid, in any spelling."""
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


# A phone whose battery was empty believes it is 1970; what lies outside no clock says, and databases cannot hold.
YEARS = range(1970, 2101)


def _check_year(instant: datetime) -> datetime:
    if instant.year not in YEARS:
        raise ValueError("the year is out of range")
    return instant


# An instant by a phone's clock, with its offset.
PhoneInstant = Annotated[AwareDatetime, AfterValidator(_check_year)]


class Body(BaseModel):
    """The base of all bodies."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Location(Body):
    """A place as the phone measured it, never converted."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    accuracy_m: Annotated[float, Field(ge=0, le=1_000_000)]
    datum: Literal["WGS84", "GCJ02", "BD09"]
    at: PhoneInstant


B = TypeVar("B", bound=BaseModel)


def read_body(model: type[B], body: Any) -> B:
    """`body` as `model`; raises body_invalid naming the fields that are missing or wrong."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        fields = {".".join(map(str, item["loc"])): item["type"] for item in error.errors()}
        raise AppError("body_invalid", fields=fields) from None
