"""Rows of a file that are kept, encrypted, until it is decided what becomes of them.

Invariant: no more of a file than a piece of rows lies in memory, and a piece is a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import InstrumentedAttribute

from fieldapp.core.db import Base, db, transaction
from fieldapp.core.errors import AppError
from fieldapp.imports.models import READING
from fieldapp.imports.tables import Row

PIECE_ROWS = 1000
# Reading a file is over by then.
READING_TAKES = timedelta(minutes=10)


class Staged(Protocol):
    """What a file is brought in as."""

    @property
    def state(self) -> str: ...

    @property
    def made_at(self) -> datetime: ...


def is_being_read(held: Staged, now: datetime) -> bool:
    """Whether a file may still be on its way in; later on, its reading was cut off."""
    return held.state == READING and now - held.made_at < READING_TAKES


def add_rows(model: type[Base], belongs: Mapping[str, Any], rows: Iterator[Row]) -> int:
    """Keep rows (number, cells) as they came, each with what it `belongs` to; returns how many.

    Runs its own transactions. Raises roster_empty without any, and what reading the rows raises.
    """
    number_of_rows = 0
    while piece := list(islice(rows, PIECE_ROWS)):
        kept = [{**belongs, "number": number, "cells": cells} for number, cells in piece]
        with transaction() as session:
            session.execute(insert(model), kept)
        number_of_rows += len(piece)
    if not number_of_rows:
        raise AppError("roster_empty")
    return number_of_rows


def erase_rows(model: type[Base], key: InstrumentedAttribute[int], value: int) -> None:
    """Erase the rows whose `key` is that, a piece at a time; runs its own transactions."""
    number = model.__table__.c.number
    numbers = select(number).where(key == value).order_by(number).limit(PIECE_ROWS)
    while piece := list(db.session.scalars(numbers)):
        with transaction() as session:
            session.execute(delete(model).where(key == value, number <= piece[-1]))
