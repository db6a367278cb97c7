"""Filling simulated baskets with patterns.

Agrawal, R., Srikant, R. (1994). Fast algorithms for mining association rules. VLDB, section 2.4.3.
"""

from __future__ import annotations

from crmintel.kernels._jit import kernel


@kernel
def fill_baskets(patterns, offsets, picks, n_drops, draws, coins, sizes, state, scratch, rows, columns):
    """Put the picked patterns, less what is dropped of each, into baskets until the picks or the baskets end.

    A pattern that would make a basket too large goes in if its coin shows 1 (or the basket is empty), else into the
    next basket; the basket is full either way.

    Parameters
    ----------
    patterns, offsets : items of the patterns in CSR form
    picks, n_drops, coins : for each pick its pattern, how many items are dropped of it, and a coin of 0 or 1
    draws : uniform numbers, one for each dropped item
    sizes : wanted sizes of the baskets
    state : [basket, its items so far], gone on with in the next call
    scratch : as long as the longest pattern
    rows, columns : filled with (basket, item) pairs

    Returns
    -------
    The number of pairs written.
    """
    basket, filled = state[0], state[1]
    written, draw, k = 0, 0, 0
    while k < picks.size and basket < sizes.size:
        low, n = offsets[picks[k]], offsets[picks[k] + 1] - offsets[picks[k]]
        kept = n - n_drops[k]
        full = filled + kept >= sizes[basket]
        if filled + kept > sizes[basket] and filled > 0 and coins[k] == 0:
            basket += 1
            filled = 0
            coins[k] = 1  # it is not put off a second time
            continue
        for j in range(n):
            scratch[j] = patterns[low + j]
        for length in range(n, kept, -1):
            scratch[int(draws[draw] * length)] = scratch[length - 1]
            draw += 1
        for j in range(kept):
            rows[written] = basket
            columns[written] = scratch[j]
            written += 1
        filled += kept
        if full:
            basket += 1
            filled = 0
        k += 1
    state[0], state[1] = basket, filled
    return written
