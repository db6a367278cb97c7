"""What to do about it: one row per customer."""
