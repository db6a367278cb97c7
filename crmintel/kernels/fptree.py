"""FP-growth: baskets as a prefix tree, mined by making the trees conditional on each item.

Han, J., Pei, J., Yin, Y. (2000). Mining frequent patterns without candidate generation. SIGMOD 2000, 1-12.

A tree is a table of nodes: `UP` (the parent, -1 at the top), `NAME` (the item's number in this tree), `SEEN` (how
many baskets run through it) and `LINK` (the next node of the same item, -1 at the end); ``heads`` holds the first
node of each item. Below a node stand less frequent items, so that numbers fall on the way up.
"""

from __future__ import annotations

import numpy as np

from crmintel.kernels._jit import helper, kernel
from crmintel.kernels.itemsets import (
    COUNT,
    DONE,
    ITEM,
    LABEL,
    NEEDED,
    PARENT,
    STOPPED,
    SUPPORT,
    TRIE_FULL,
    TRIE_SIZE,
)

UP, NAME, SEEN, LINK = 0, 1, 2, 3

# Fields of ``state`` beyond the shared ones, and of a tree on the stack: number of items, the next one to extend,
# where its items stand in ``members`` and ``heads``, its trie node, and where its nodes end.
DEPTH = 2
SIZE, NEXT, MEMBER, NODE, TREE_END = 0, 1, 2, 3, 4

MEMBERS_FULL, HEADS_FULL, TREE_FULL, SLOTS_FULL = 3, 4, 5, 6
FULL = {
    TRIE_FULL: "trie",
    MEMBERS_FULL: "members",
    HEADS_FULL: "heads",
    TREE_FULL: "tree",
    SLOTS_FULL: "slots",
}


@helper
def _insert(path, length, count, start, end, tree, heads, slots, mask):
    """Put a path (last item first) into the tree of the nodes start..end-1; return its new end.

    ``slots`` finds the child of a node by its item: open addressing, at most half full.
    """
    node = -1
    for k in range(length - 1, -1, -1):
        name = path[k]
        slot = (np.int64(node + 1 - start) * 40503 + np.int64(name) * 2654435761) & mask
        while slots[slot] >= 0 and (tree[UP, slots[slot]] != node or tree[NAME, slots[slot]] != name):
            slot = (slot + 1) & mask
        child = slots[slot]
        if child < 0:
            child = end
            slots[slot] = child
            tree[UP, child] = node
            tree[NAME, child] = name
            tree[SEEN, child] = 0
            tree[LINK, child] = heads[name]
            heads[name] = child
            end += 1
        tree[SEEN, child] += count
        node = child
    return end


@kernel
def grow_tree(entries, row_ends, weights, tree, heads, slots, path):
    """Build the tree of all baskets: ``entries`` in rank order, basket by basket; return its number of nodes.

    Where ``weights`` is not empty, it holds how often each basket counts.

    ``heads`` and ``slots`` must come in as -1, ``slots`` with a power of two of places.
    """
    mask = slots.size - 1
    begin, end = 0, 0
    for row in range(row_ends.size):
        length = row_ends[row] - begin
        for k in range(length):
            path[k] = entries[row_ends[row] - 1 - k]
        weight = np.int64(weights[row] if weights.size > 0 else 1)
        if weight > 0:
            end = _insert(path, length, weight, 0, end, tree, heads, slots, mask)
        begin = row_ends[row]
    return end


@helper
def _count_paths(tree, head, n_items, min_count, tally, local, found):
    """Find the items that stay frequent on the ways up from ``head`` and its links.

    ``found`` gets them, rising, ``tally`` their counts, ``local`` their new numbers (-1: infrequent). Returns how
    many they are and the number of items on all ways.
    """
    total, n = 0, 0
    node = head
    while node >= 0:
        count = tree[SEEN, node]
        above = tree[UP, node]
        while above >= 0:
            tally[tree[NAME, above]] += count
            total += 1
            above = tree[UP, above]
        node = tree[LINK, node]
    for item in range(n_items):
        if tally[item] >= min_count:
            found[n] = item
            local[item] = n
            n += 1
        else:
            local[item] = -1
            tally[item] = 0
    return n, total


@helper
def _project_tree(source, head, local, start, tree, heads, slots, mask, path):
    """Build the conditional tree from the ways up from ``head`` and its links; return where it ends."""
    for slot in range(mask + 1):
        slots[slot] = -1
    end = start
    node = head
    while node >= 0:
        length = 0
        above = source[UP, node]
        while above >= 0:
            name = local[source[NAME, above]]
            if name >= 0:
                path[length] = name
                length += 1
            above = source[UP, above]
        end = _insert(path, length, np.int64(source[SEEN, node]), start, end, tree, heads, slots, mask)
        node = source[LINK, node]
    return end


@helper
def _is_path(start, end, n, tree):
    """Whether the tree of the nodes start..end-1 over ``n`` items has no branches."""
    chained = end - start == n
    for k in range(1, n):
        chained = chained and tree[UP, start + k] == start + k - 1
    return chained


@helper
def write_path_subsets(node, n, above, members, trie, size):
    """Write all itemsets of a tree that is one path; return the trie's new size.

    The itemsets with item k as the least frequent one are all those before it with k put in front.
    """
    first = size
    for k in range(n):
        own, shift = size, size + 1 - first
        trie[PARENT, own] = node
        trie[ITEM, own] = members[LABEL, above + k]
        trie[COUNT, own] = members[SUPPORT, above + k]
        for j in range(first, own):
            trie[PARENT, j + shift] = own if trie[PARENT, j] == node else trie[PARENT, j] + shift
            trie[ITEM, j + shift] = trie[ITEM, j]
            trie[COUNT, j + shift] = members[SUPPORT, above + k]
        size += shift
    return size


@kernel
def mine_tree(
    base_tree, base_heads, min_count, max_length, stop,
    trie, members, heads, tree, slots, tally, local, found, path, stack, state,
):  # fmt: skip
    """Go on with a search until it is done, told to stop, or an array is full; return which.

    Parameters
    ----------
    base_tree, base_heads : the tree of all baskets
    min_count, max_length : bounds of what is written
    stop : (1,) another thread may write 1 here to end the search
    trie : filled here
    members : the items and their counts; the base tree's own come first
    stack, state : where the search stands; an item is extended again from its start where room was lacking
    heads, tree, slots : the arenas of the conditional trees
    """
    while state[DEPTH] >= 0:
        depth, size = state[DEPTH], state[TRIE_SIZE]
        i, n_items, member = stack[depth, NEXT], stack[depth, SIZE], stack[depth, MEMBER]
        if i == n_items:
            state[DEPTH] -= 1
            continue
        if stop[0]:
            return STOPPED
        above, start = member + n_items, stack[depth, TREE_END]
        if size + 1 + i > trie.shape[1]:
            state[NEEDED] = size + 1 + i
            return TRIE_FULL
        if above + i > members.shape[1]:
            state[NEEDED] = above + i
            return MEMBERS_FULL
        if above + i > heads.size:
            state[NEEDED] = above + i
            return HEADS_FULL
        trie[PARENT, size] = stack[depth, NODE]
        trie[ITEM, size] = members[LABEL, member + i]
        trie[COUNT, size] = members[SUPPORT, member + i]
        n, total = 0, 0
        source = base_tree if depth == 0 else tree
        head = base_heads[i] if depth == 0 else heads[member + i]
        if depth + 1 < max_length:
            n, total = _count_paths(source, head, i, min_count, tally, local, found)
        for k in range(n):
            members[LABEL, above + k] = members[LABEL, member + found[k]]
            members[SUPPORT, above + k] = tally[found[k]]
            heads[above + k] = -1
            tally[found[k]] = 0
        if n <= 1 or depth + 2 >= max_length:
            for k in range(n):
                trie[PARENT, size + 1 + k] = size
                trie[ITEM, size + 1 + k] = members[LABEL, above + k]
                trie[COUNT, size + 1 + k] = members[SUPPORT, above + k]
            state[TRIE_SIZE] = size + 1 + n
            stack[depth, NEXT] = i + 1
            continue
        if start + total > tree.shape[1]:
            state[NEEDED] = start + total
            return TREE_FULL
        n_slots = 4
        while n_slots < 2 * total:
            n_slots *= 2
        if n_slots > slots.size:
            state[NEEDED] = n_slots
            return SLOTS_FULL
        end = _project_tree(
            source, head, local, start, tree, heads[above : above + n], slots, n_slots - 1, path
        )
        if depth + 1 + n <= max_length and n < 31 and _is_path(start, end, n, tree):
            if size + (1 << n) > trie.shape[1]:
                state[NEEDED] = size + (1 << n)
                return TRIE_FULL
            state[TRIE_SIZE] = write_path_subsets(size, n, above, members, trie, size + 1)
            stack[depth, NEXT] = i + 1
            continue
        stack[depth + 1, SIZE] = n
        stack[depth + 1, NEXT] = 0
        stack[depth + 1, MEMBER] = above
        stack[depth + 1, NODE] = size
        stack[depth + 1, TREE_END] = end
        state[DEPTH] += 1
        state[TRIE_SIZE] = size + 1
        stack[depth, NEXT] = i + 1
    return DONE
