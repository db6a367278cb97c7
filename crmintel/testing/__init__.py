"""Checks for estimators that read customers, features that must not see the future, and a list of all estimators."""

from crmintel.testing.checks import CHECKS, check_customer_estimator
from crmintel.testing.discovery import all_estimators
from crmintel.testing.leakage import assert_no_leakage

__all__ = ["CHECKS", "all_estimators", "assert_no_leakage", "check_customer_estimator"]
