"""Baskets, duplicates and returns of a list of lines in plain Python, each from its definition.

A line is a dict with ``customer``, ``time`` and whatever other columns the log has.
"""

from __future__ import annotations

from fractions import Fraction


def baskets(lines, day_of):
    """(customer, basket) -> distinct items; without receipts a basket is a customer's day."""
    held: dict[tuple, set] = {}
    for line in lines:
        if line["item"] is None or line.get("amount", 0) < 0 or line.get("quantity", 0) < 0:
            continue
        basket = line["basket"] if "basket" in line else day_of(line["time"])
        if basket is not None:
            held.setdefault((line["customer"], basket), set()).add(line["item"])
    return held


def without_duplicates(lines):
    """The lines that equal no earlier one in every column, by comparing each with each."""
    stay: list = []
    for line in lines:
        if line not in stay:
            stay.append(line)
    return stay


def undo_returns(lines, how):
    """Return (purchases that stay: line -> what is left of its amount, unmatched returns -> what is left).

    By walking back from each return, first for a purchase of equal size, then for whatever is left anywhere;
    purchases of one moment from the largest, equal ones from the last item by name.
    Amounts are exact fractions. ``how`` is "match" or "net".
    """
    measure = "amount" if "amount" in lines[0] else "quantity"

    def is_return(k):
        return lines[k].get("amount", 0) < 0 or lines[k].get("quantity", 0) < 0

    def key(k):
        item = lines[k].get("item") if how == "match" else None
        return lines[k]["customer"], item

    size = [abs(Fraction(line[measure])) for line in lines]
    left = list(size)
    returns = [k for k in range(len(lines)) if is_return(k) and lines[k][measure] < 0]
    returns.sort(key=lambda k: (lines[k]["time"], size[k]))

    def earlier_purchases(k):
        found = [
            j
            for j in range(len(lines))
            if not is_return(j) and key(j) == key(k) and lines[j]["time"] <= lines[k]["time"]
        ]
        return sorted(
            found, key=lambda j: (lines[j]["time"], size[j], lines[j].get("item") or ""), reverse=True
        )

    if how == "match":
        for k in returns:
            for j in earlier_purchases(k):
                if left[j] == size[j] == size[k] > 0:
                    left[j] = left[k] = Fraction(0)
                    break
    for k in returns:
        for j in earlier_purchases(k):
            taken = min(left[j], left[k])
            left[j] -= taken
            left[k] -= taken
    stay = {
        k: left[k] for k in range(len(lines)) if not is_return(k) and (left[k] > 0 or lines[k][measure] == 0)
    }
    unmatched = {k: left[k] for k in range(len(lines)) if is_return(k) and (left[k] > 0 or k not in returns)}
    return stay, unmatched
