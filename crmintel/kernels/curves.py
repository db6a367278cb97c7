"""Curves of cumulated gains."""

from __future__ import annotations

from crmintel.kernels._jit import kernel


@kernel
def upper_hull(cost, gain, hull):
    """Write to ``hull`` the points of the upper concave hull of (cost, gain), from the first; return how many.

    ``cost`` must not fall; points that gain no more than an earlier one are left out.
    """
    m = 0
    for i in range(cost.size):
        if m > 0 and gain[i] <= gain[hull[m - 1]]:
            continue
        while m > 1:
            a, b = hull[m - 2], hull[m - 1]
            if (gain[b] - gain[a]) * (cost[i] - cost[a]) > (gain[i] - gain[a]) * (cost[b] - cost[a]):
                break
            m -= 1
        if m == 1 and cost[i] == cost[hull[0]]:
            m = 0
        hull[m] = i
        m += 1
    return m
