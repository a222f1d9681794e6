"""Reads of the townships' reserve funds."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from fieldapp.areas import queries as areas
from fieldapp.areas.models import Area
from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.relief.models import ReliefFund, ReliefFundEntry

PAGE_ROWS = 50


def get_township(code: str, area_codes: Sequence[str]) -> Area:
    """The township of that code, when it is in scope; raises not_found."""
    area = areas.find_area(code)
    if area is None or area.level != "township" or not scope.covers(area_codes, code):
        raise AppError("not_found")
    return area


def find_fund(township_code: str) -> ReliefFund | None:
    """The fund of a township, or None where none was ever set up."""
    return db.session.get(ReliefFund, township_code)


def list_funds(area_codes: Sequence[str]) -> list[ReliefFund]:
    """The funds in those areas, by township."""
    within = scope.within(ReliefFund.township_code, area_codes)
    return list(db.session.scalars(select(ReliefFund).where(within).order_by(ReliefFund.township_code)))


def list_entries(township_code: str, page: int) -> tuple[list[ReliefFundEntry], bool]:
    """A page of the movements of a fund, the latest first, and whether there is more."""
    rows = list(
        db.session.scalars(
            select(ReliefFundEntry)
            .where(ReliefFundEntry.township_code == township_code)
            .order_by(ReliefFundEntry.id.desc())
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    return rows[:PAGE_ROWS], len(rows) > PAGE_ROWS


def list_reversed(entry_ids: Sequence[int]) -> set[int]:
    """Of those entries the ones that were taken back."""
    taken_back = select(ReliefFundEntry.reverses_id).where(ReliefFundEntry.reverses_id.in_(entry_ids))
    return {found for found in db.session.scalars(taken_back) if found is not None}
