"""Returns matched to the purchases they undo."""

from __future__ import annotations

from crmintel.kernels._jit import kernel


@kernel
def match_returns(order, group, is_return, value, units, left, exact_first):
    """Take each return's value out of earlier purchases of its group; ``value`` and ``units`` are changed.

    ``order`` lists the lines group by group, in time within a group; ``value`` is positive for purchases and the
    positive size of the return for returns. With ``exact_first`` the latest purchase of exactly that value is
    undone if there is one; else the latest purchases with value left, as far as it takes. ``units`` (empty: none)
    shrink in proportion. ``left`` gets what no purchase could take.
    """
    has_units = units.size > 0
    start = 0
    for at in range(order.size):
        i = order[at]
        if at > 0 and group[i] != group[order[at - 1]]:
            start = at
        if not is_return[i]:
            continue
        size = value[i]
        rest = size
        if exact_first:
            for k in range(at - 1, start - 1, -1):
                j = order[k]
                if not is_return[j] and value[j] == size:
                    value[j] = 0.0
                    if has_units:
                        units[j] = 0.0
                    rest = 0.0
                    break
        k = at - 1
        while rest > 0.0 and k >= start:
            j = order[k]
            if not is_return[j] and value[j] > 0.0:
                taken = min(value[j], rest)
                share = 1.0 - taken / value[j]
                if share < 1e-9:  # what rounding leaves of a whole purchase is no purchase
                    share = 0.0
                if has_units:
                    units[j] *= share
                value[j] = value[j] - taken if share > 0.0 else 0.0
                rest = rest - taken if rest - taken > 1e-9 * size else 0.0
            k -= 1
        left[i] = rest
