"""Kernels on behaviour: one pass over each history, from its last line back to its first."""

from __future__ import annotations

import math

from crmintel.kernels._jit import kernel

DAY = 86_400_000_000  # microseconds
QUARTER = DAY // 4


@kernel
def describe_behaviour(
    starts, stops, time, amount, quantity, discount, item, category, as_of, windows, item_met, category_lines,
    category_found, purchases, previous, earlier, spend, items, categories, shift, first, last, square_gaps, lines,
):  # fmt: skip
    """Describe each run as seen on its as-of day; empty arrays stand for columns that are not there.

    ``windows`` are rising lengths in days, the last of which holds the whole history. Per run and window:
    ``purchases`` (days with a line that is no return), ``spend`` (net money), ``items`` and ``categories`` (distinct
    ones bought); for all windows but the last ``previous`` and ``earlier``, the purchases in the window of equal length
    before and in the one before that, and ``shift``, half the sum of the changes of the categories' shares of the lines
    bought, from before the window to within (NaN where a side has none). Per run: ``first`` and ``last`` day of
    purchase, ``square_gaps`` (sum of squares of the gaps between purchases, in days) and ``lines`` (bought, bought at a
    discount, returned; then those bought in each quarter of the day, and on each weekday from Monday).
    ``item_met[code]`` comes in as -1 and holds the last run that met the code: on the way back in time, an item is met
    first at its last purchase, so one look serves all windows. ``category_lines`` (categories x windows) comes in as
    0 and leaves as 0; ``category_found`` has room for all categories.
    """
    has_amount = amount.size > 0
    has_quantity = quantity.size > 0
    has_discount = discount.size > 0
    has_item = item.size > 0
    has_category = category.size > 0
    n_windows = windows.size
    for c in range(starts.size):
        purchases[c] = 0
        previous[c] = 0
        earlier[c] = 0
        if has_amount:
            spend[c] = 0.0
        if has_item:
            items[c] = 0
        if has_category:
            categories[c] = 0
        lines[c] = 0
        n_found = 0
        squares = 0.0
        n = 0
        k = 0
        i = stops[c] - 1
        while i >= starts[c]:
            day = time[i] // DAY
            age = as_of[c] - day
            while age >= windows[k] and k < n_windows - 1:
                k += 1
            morning = day * DAY
            bought = False
            while i >= starts[c] and time[i] >= morning:
                is_return = False
                if has_amount:
                    spend[c, k] += amount[i]
                    is_return = amount[i] < 0.0
                if has_quantity and quantity[i] < 0.0:
                    is_return = True
                if is_return:
                    lines[c, 2] += 1
                else:
                    bought = True
                    lines[c, 0] += 1
                    lines[c, 3 + (time[i] - morning) // QUARTER] += 1
                    lines[c, 7 + (day + 3) % 7] += 1
                    if has_discount and discount[i] != 0.0:
                        lines[c, 1] += 1
                    if has_item and item[i] >= 0 and item_met[item[i]] != c:
                        item_met[item[i]] = c
                        items[c, k] += 1
                    if has_category and category[i] >= 0:
                        met = False
                        for w in range(k + 1):
                            met = met or category_lines[category[i], w] > 0
                        if not met:
                            category_found[n_found] = category[i]
                            n_found += 1
                            categories[c, k] += 1
                        category_lines[category[i], k] += 1
                i -= 1
            if bought:
                if n == 0:
                    last[c] = day
                else:
                    gap = first[c] - day
                    squares += float(gap) * float(gap)
                first[c] = day
                n += 1
                purchases[c, k] += 1
                for w in range(n_windows - 1):
                    if windows[w] <= age < 2 * windows[w]:
                        previous[c, w] += 1
                    elif 2 * windows[w] <= age < 3 * windows[w]:
                        earlier[c, w] += 1
        square_gaps[c] = squares
        for w in range(1, n_windows):
            purchases[c, w] += purchases[c, w - 1]
            if has_amount:
                spend[c, w] += spend[c, w - 1]
            if has_item:
                items[c, w] += items[c, w - 1]
            if has_category:
                categories[c, w] += categories[c, w - 1]
        if has_category:
            _mix_shift(category_lines, category_found[:n_found], shift[c])


@kernel
def _mix_shift(category_lines, found, shift):
    """Write half the change of shares at each border of windows; set the counts to 0."""
    n_windows = shift.size + 1
    total = 0
    for f in found:
        for w in range(n_windows):
            total += category_lines[f, w]
    within = 0
    for w in range(n_windows - 1):
        for f in found:
            within += category_lines[f, w]
        shift[w] = math.nan
        if 0 < within < total:
            change = 0.0
            for f in found:
                own = 0
                older = 0
                for v in range(n_windows):
                    if v <= w:
                        own += category_lines[f, v]
                    else:
                        older += category_lines[f, v]
                change += abs(own / within - older / (total - within))
            shift[w] = 0.5 * change
    for f in found:
        category_lines[f] = 0


@kernel
def bought_until(starts, stops, time, amount, quantity, last, bought):
    """Per run, whether it holds a line that is no return with ``time <= last[run]``."""
    has_amount = amount.size > 0
    has_quantity = quantity.size > 0
    for c in range(starts.size):
        found = False
        for i in range(starts[c], stops[c]):
            if time[i] > last[c]:
                break
            if not (has_amount and amount[i] < 0.0) and not (has_quantity and quantity[i] < 0.0):
                found = True
                break
        bought[c] = found
