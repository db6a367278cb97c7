"""Who is leaving."""
