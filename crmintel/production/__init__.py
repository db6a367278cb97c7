"""Models at work: saved and loaded, and asked about more customers than memory holds."""
