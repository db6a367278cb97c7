"""From a log to one row per customer."""
