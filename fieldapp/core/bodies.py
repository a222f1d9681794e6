"""Reading what phones send: the base of all request bodies and the one way to read them.

Invariant: what a body does not know is refused, so that nothing is dropped in silence.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from fieldapp.core.errors import AppError

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Stored and compared as text in the canonical spelling.
UuidStr = Annotated[str, BeforeValidator(lambda value: str(UUID(value)) if isinstance(value, str) else value)]


class Body(BaseModel):
    """The base of all bodies."""

    model_config = ConfigDict(extra="forbid", frozen=True)


B = TypeVar("B", bound=BaseModel)


def read_body(model: type[B], body: Any) -> B:
    """`body` as `model`; raises body_invalid naming the fields that are missing or wrong."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        fields = {".".join(map(str, item["loc"])): item["type"] for item in error.errors()}
        raise AppError("body_invalid", fields=fields) from None
