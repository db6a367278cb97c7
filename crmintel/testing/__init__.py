"""Checks for estimators that read customers, and a list of all estimators."""

from crmintel.testing.checks import CHECKS, check_customer_estimator
from crmintel.testing.discovery import all_estimators

__all__ = ["CHECKS", "all_estimators", "check_customer_estimator"]
