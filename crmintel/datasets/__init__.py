"""Real data from installed packages, and simulators that return the truth too."""
