"""Kernels on behaviour: one pass over each history, from its last line back to its first."""

from __future__ import annotations

from crmintel.kernels._jit import kernel

DAY = 86_400_000_000  # microseconds


@kernel
def describe_behaviour(
    starts, stops, time, amount, quantity, discount, item, category, as_of, windows, item_met, category_met,
    purchases, previous, spend, items, categories, first, last, square_gaps, lines,
):  # fmt: skip
    """Describe each run as seen on its as-of day; empty arrays stand for columns that are not there.

    ``windows`` are rising lengths in days, the last of which holds the whole history. Per run and window:
    ``purchases`` (days with a line that is no return), ``spend`` (net money), ``items`` and ``categories`` (distinct
    ones bought); for all windows but the last ``previous``, the purchases in the window of equal length before.
    Per run: ``first`` and ``last`` day of purchase, ``square_gaps`` (sum of squares of the gaps between purchases, in
    days) and ``lines`` (bought, bought at a discount, returned). ``item_met[code]`` comes in as -1 and holds the
    last run that met the code: on the way back in time, an item is met first at its last purchase, so one look
    serves all windows.
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
        if has_amount:
            spend[c] = 0.0
        if has_item:
            items[c] = 0
        if has_category:
            categories[c] = 0
        lines[c] = 0
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
                    if has_discount and discount[i] != 0.0:
                        lines[c, 1] += 1
                    if has_item and item[i] >= 0 and item_met[item[i]] != c:
                        item_met[item[i]] = c
                        items[c, k] += 1
                    if has_category and category[i] >= 0 and category_met[category[i]] != c:
                        category_met[category[i]] = c
                        categories[c, k] += 1
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
        square_gaps[c] = squares
        for w in range(1, n_windows):
            purchases[c, w] += purchases[c, w - 1]
            if has_amount:
                spend[c, w] += spend[c, w - 1]
            if has_item:
                items[c, w] += items[c, w - 1]
            if has_category:
                categories[c, w] += categories[c, w - 1]


@kernel
def bought_until(starts, stops, time, amount, quantity, last, bought):
    """Per run, whether it holds a line that is no return with ``time <= last``."""
    has_amount = amount.size > 0
    has_quantity = quantity.size > 0
    for c in range(starts.size):
        found = False
        for i in range(starts[c], stops[c]):
            if time[i] > last:
                break
            if not (has_amount and amount[i] < 0.0) and not (has_quantity and quantity[i] < 0.0):
                found = True
                break
        bought[c] = found
