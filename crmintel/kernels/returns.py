"""Returns matched to the purchases they undo; each pass reads every line once."""

from __future__ import annotations

from crmintel.kernels._jit import kernel

# A share of the larger line: eight roundings of it. Less than that is left by subtracting floats, not by anybody.
_CRUMB = 8 * 2.0**-52


@kernel
def match_equal_returns(order, group, is_return, size, left, stack):
    """Let each return undo the latest earlier purchase of its group that has exactly its size and is not undone yet.

    ``order`` lists the lines by group, then size, then time, purchases before returns at one time. ``left`` comes
    in as ``size`` and leaves as 0 at both ends of a match. ``stack`` is work space, one place a line.
    """
    depth = 0
    for at in range(order.size):
        i = order[at]
        if at > 0 and (group[i] != group[order[at - 1]] or size[i] != size[order[at - 1]]):
            depth = 0
        if not is_return[i]:
            stack[depth] = i
            depth += 1
        elif depth > 0:
            depth -= 1
            left[stack[depth]] = 0.0
            left[i] = 0.0


@kernel
def match_returns_in_time(order, group, is_return, size, left, stack):
    """Take what is left of each return out of the latest earlier purchases of its group, as far as they go.

    ``order`` lists the lines by group, then time, purchases before returns at one time. What rounding leaves of a
    line is no line: it is set to 0, and the sum of these crumbs is returned, those of returns negative.
    """
    crumbs = 0.0
    depth = 0
    for at in range(order.size):
        i = order[at]
        if at > 0 and group[i] != group[order[at - 1]]:
            depth = 0
        if not is_return[i]:
            if left[i] > 0.0:
                stack[depth] = i
                depth += 1
            continue
        while left[i] > 0.0 and depth > 0:
            j = stack[depth - 1]
            taken = min(left[j], left[i])
            left[i] -= taken
            left[j] -= taken
            crumb = _CRUMB * max(size[i], size[j])
            if left[j] <= crumb:
                crumbs += left[j]
                left[j] = 0.0
                depth -= 1
            if left[i] <= crumb:
                crumbs -= left[i]
                left[i] = 0.0
    return crumbs
