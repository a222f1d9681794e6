"""What a county sets for itself, as rows that never change: who set it, when and why.

Invariant: of a county's rows the one with the highest number holds; the earlier ones are its history.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from fieldapp.core.db import AreaCode, Base, EncryptedText, Instant


class Policy(Base):
    """The columns of every table of such rows; a table adds its terms, and to its key what else there is one of each for."""

    __abstract__ = True

    county_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, sort_order=-3, doc="The county.")
    number: Mapped[int] = mapped_column(primary_key=True, sort_order=-1, doc="From 1 in each county.")
    set_by: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), sort_order=2, doc="Who set it; empty: as every county begins."
    )
    set_at: Mapped[datetime] = mapped_column(Instant, sort_order=3, doc="From when it holds.")

    @declared_attr
    def reason(cls) -> Mapped[str | None]:
        """Why it was set."""
        return mapped_column(
            EncryptedText(f"{cls.__tablename__}.reason"), sort_order=1, doc="Why it was changed."
        )
