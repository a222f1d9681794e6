"""What is wrong with a body that cannot be read, what of it has to be left out, and what a person must choose.

Invariant: pure; the body given is never changed. What is left out of the repaired one is named.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

from pydantic import BaseModel, ValidationError

from fieldapp.core.bodies import is_uuid

Path = tuple[str | int, ...]
# No form is nested nearly as deep; deeper than that nothing of a body is read.
MAX_DEPTH = 50
# Parts of people that are told apart: more than any household has.
MAX_PARTS = 50


@dataclass(frozen=True)
class Fault:
    """A field that is missing or wrong, by the code of the model's error."""

    path: Path
    code: str

    @property
    def name(self) -> str:
        """The path as one word: attachments.3.sha256."""
        return ".".join(map(str, self.path))


@dataclass(frozen=True)
class Repair:
    """A body with corrections in it, without what had to be left out, and what is still wrong with it."""

    body: dict[str, Any]
    left_out: tuple[Fault, ...]
    faults: tuple[Fault, ...]


def is_shallow(value: Any) -> bool:
    """Whether a JSON value is nested no deeper than MAX_DEPTH."""
    layer = [value]
    for _ in range(MAX_DEPTH + 1):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return True
    return False


def list_parts(body: Mapping[str, Any]) -> list[str]:
    """The uuid of whom each part of a visit's answers is about; empty where that is not said in a way to be read."""
    sent, answers = body.get("people"), body.get("answers")
    uuids = [str(UUID(item)) if is_uuid(item) else "" for item in sent] if isinstance(sent, list) else []
    parts = answers.get("people") if isinstance(answers, dict) else None
    missing = len(parts) - len(uuids) if isinstance(parts, list) else 0
    return (uuids + [""] * missing)[:MAX_PARTS]


def repair(model: type[BaseModel], body: Any, corrections: Mapping[str, Any]) -> Repair:
    """`body` with `corrections` by field, brought as near to `model` as can be without a person.

    Left out are fields the model does not know, optional fields that are wrong (of a list the entry), and what is
    longer than may be. A body that is no object is taken as an empty one.
    """
    mended: dict[str, Any] = _without_nul(copy.deepcopy(body)) if isinstance(body, dict) else {}
    mended |= corrections
    left_out: list[Fault] = []
    while True:
        errors = _errors_of(model, mended)
        # From the end, so that places in lists stay what they are.
        loose = sorted(
            {path: error for error in errors if (path := _loose_part(model, error, mended))}.items(),
            key=lambda item: [str(part).rjust(9) for part in item[0]],
            reverse=True,
        )
        if not loose:
            return Repair(mended, tuple(left_out), tuple(Fault(e["loc"], e["type"]) for e in errors))
        for path, error in loose:
            left_out.append(Fault(path, error["type"]))
            _leave_out(mended, path, error)


def _errors_of(model: type[BaseModel], body: dict[str, Any]) -> list[Any]:
    try:
        model.model_validate(body)
    except ValidationError as error:
        return [*error.errors(include_url=False, include_input=False)]
    return []


def _loose_part(model: type[BaseModel], error: Any, body: dict[str, Any]) -> Path | None:
    """The part of the body that can go for the error to go with it, if there is one."""
    path: Path = error["loc"]
    if not path or path[0] not in body:
        return None
    if error["type"] in {"extra_forbidden", "too_long", "string_too_long"}:
        return path
    field = model.model_fields.get(str(path[0]))
    if field is None:
        return None
    inside = body[str(path[0])]
    if not field.is_required():
        # A place is a whole; of photos and calls each entry is one.
        return path[:2] if len(path) > 1 and isinstance(inside, list) else path[:1]
    # What has to be there may hold what does not: somebody's number, one of several corrections.
    head, within = path[:1], inside
    if isinstance(inside, list) and len(path) > 1:
        head, within = path[:2], inside[int(path[1])]
    inner = _model_in(field.annotation)
    if inner is None or not isinstance(within, dict):
        return None
    loose = _loose_part(inner, {**error, "loc": path[len(head) :]}, within)
    return head + loose if loose else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, or a list of which it holds."""
    for kind in get_args(annotation) or (annotation,):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _leave_out(body: dict[str, Any], path: Path, error: Any) -> None:
    *way, last = path
    inside: Any = body
    for step in way:
        inside = inside[step]
    if error["type"] in {"too_long", "string_too_long"}:
        inside[last] = inside[last][: error["ctx"]["max_length"]]
    else:
        del inside[last]


def _without_nul(value: Any) -> Any:
    """The value without the character that no keyboard writes and no database takes."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(item) for name, item in value.items()}
    return value
