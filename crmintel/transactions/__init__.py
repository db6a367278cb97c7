"""Transaction lines, purchase baskets and the calendar: the log every other part reads."""
