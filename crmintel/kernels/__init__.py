"""Plain loops over plain arrays; numpy, numba and math only. The callers validate and allocate."""
