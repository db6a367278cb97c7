"""Other libraries' objects in and out."""
