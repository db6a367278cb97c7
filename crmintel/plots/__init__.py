"""Displays: optional (matplotlib), each with its numbers in a public .data."""
