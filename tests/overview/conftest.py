"""The city of the reports, which coverage and the map of several counties are tried on."""

from tests.reports.conftest import city

__all__ = ["city"]
