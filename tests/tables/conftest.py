"""The city of the reports, of which tables are made."""

from tests.reports.conftest import city, spring

__all__ = ["city", "spring"]
