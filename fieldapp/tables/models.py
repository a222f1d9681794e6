"""Tables that somebody keeps under a name.

Invariant: what is kept is the choice, never a figure or a visit: whoever opens it reads what they may read, as it is then.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import Base, Instant

LONGEST_NAME = 60


class SavedTable(Base):
    """A choice of rows, columns, filters and period."""

    __tablename__ = "saved_tables"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), doc="What its owner calls it.")
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Whose it is.")
    area_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), doc="The area it is about.")
    is_shared: Mapped[bool] = mapped_column(doc="Whether whoever reads that area may open it as well.")
    choice: Mapped[Any] = mapped_column(JSON, doc="As the address of the page has it: {name: [value, …]}.")
    saved_at: Mapped[datetime] = mapped_column(Instant, doc="When it was saved last.")

    __table_args__ = (
        UniqueConstraint("owner_id", "name"),
        Index("ix_saved_tables_area_code", "area_code"),
    )
