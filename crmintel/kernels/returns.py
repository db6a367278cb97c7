"""Returns matched to the purchases they undo; each pass reads every line once."""

from __future__ import annotations

from crmintel.kernels._jit import kernel


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

    ``order`` lists the lines by group, then time, purchases before returns at one time.
    """
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
            # What rounding leaves of a whole purchase is no purchase.
            left[j] = left[j] - taken if left[j] - taken > 1e-9 * size[j] else 0.0
            left[i] = left[i] - taken if left[i] - taken > 1e-9 * size[i] else 0.0
            if left[j] == 0.0:
                depth -= 1
