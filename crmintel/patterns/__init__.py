"""What is bought together, and what to offer next."""
