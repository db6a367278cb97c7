"""Checks for estimators that read customers, and a list of all estimators."""
