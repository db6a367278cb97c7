"""What a customer is worth and whether they are still there."""
