"""Days that are not what their weekday says.

Invariant: a day without a row is worked from Monday to Friday and on no other day of the week.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import Base


class CalendarDay(Base):
    """A day off, or a day worked for one."""

    __tablename__ = "calendar_days"

    day: Mapped[date] = mapped_column(primary_key=True, doc="Which day.")
    is_working: Mapped[bool] = mapped_column(doc="Whether it is worked.")
    name: Mapped[str] = mapped_column(String(40), doc="The holiday it belongs to.")
