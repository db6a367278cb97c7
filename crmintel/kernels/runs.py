"""Kernels on runs: lines put in customer order, and one pass over each customer's lines in time."""

from __future__ import annotations

import math

import numpy as np

from crmintel.kernels._jit import helper, kernel

_MOST_STRETCHES = 65536  # of time, in a block
_EPSILON = 2.0**-52  # twice what rounding one number or one sum changes, relatively


def order_lines(codes, time, payload, bits, records, offsets, order, sorted_time, sorted_payload):
    """Put lines in customer order, by time within a customer, ties as they came; return 1, or 0 for giving up.

    A radix sort that keeps to the cache: to blocks of ``2**bits`` customers, in a block by stretches of time, then
    to customers, where each line is inserted at the end and hardly ever moves. It gives up after 64 moves a line
    (one time stamp far off makes all others one stretch), with its outputs half written. ``offsets``
    (customers + 1) comes in as zeros; a code of -1 leaves its line out; ``payload`` (64 bits a line, or empty)
    spares a column its gather.
    """
    ends = np.zeros((offsets.size - 1 >> bits) + 2, dtype=np.int64)
    _deal_to_blocks(codes, time, payload, bits, ends, records)
    largest = int(np.diff(ends[:-1], prepend=0).max())
    dealt = np.empty((largest, 3), dtype=np.int64)
    cursor = np.empty(_MOST_STRETCHES + 1, dtype=np.int64)
    place = np.empty((1 << bits) + 1, dtype=np.int64)
    return _order_blocks(
        bits,
        ends,
        records,
        dealt,
        cursor,
        place,
        payload.size > 0,
        offsets,
        order,
        sorted_time,
        sorted_payload,
    )


@kernel
def _deal_to_blocks(codes, time, payload, bits, ends, records):
    """Write records (time, customer and line, payload) block by block of ``2**bits`` neighbouring customers."""
    for i in range(codes.size):
        if codes[i] >= 0:
            ends[(codes[i] >> bits) + 1] += 1
    for b in range(ends.size - 1):
        ends[b + 1] += ends[b]
    has_payload = payload.size > 0
    for i in range(codes.size):
        if codes[i] >= 0:
            b = codes[i] >> bits
            at = ends[b]
            ends[b] = at + 1
            records[at, 0] = time[i]
            records[at, 1] = (np.int64(codes[i]) << 32) | i
            if has_payload:
                records[at, 2] = payload[i]


@helper
def _deal_by_time(records, start, stop, dealt, cursor, n_stretches):
    """Copy a block's records into stretches of time; return False, without copying, where they are in time already."""
    low = records[start, 0]
    high = low
    is_sorted = True
    for i in range(start + 1, stop):
        moment = records[i, 0]
        if moment < records[i - 1, 0]:
            is_sorted = False
        if moment < low:
            low = moment
        if moment > high:
            high = moment
    if is_sorted:
        return False
    bits = 0
    while (high - low) >> bits >= n_stretches:
        bits += 1
    for s in range(n_stretches + 1):
        cursor[s] = 0
    for i in range(start, stop):
        cursor[((records[i, 0] - low) >> bits) + 1] += 1
    for s in range(n_stretches):
        cursor[s + 1] += cursor[s]
    for i in range(start, stop):
        s = (records[i, 0] - low) >> bits
        at = cursor[s]
        cursor[s] = at + 1
        for k in range(3):
            dealt[at, k] = records[i, k]
    return True


@kernel
def _order_blocks(
    bits, ends, records, dealt, cursor, place, has_payload, offsets, order, sorted_time, sorted_payload
):
    """Order the records block by block, which end at ``ends``; ``dealt``, ``cursor`` and ``place`` are scratch."""
    n = offsets.size - 1
    moves = 64 * records.shape[0]
    start = np.int64(0)
    for block in range(ends.size - 1):
        stop = ends[block]
        first = block << bits
        last = min(n, first + (1 << bits))
        if stop == start:
            for c in range(first, last):
                offsets[c + 1] = start
            continue
        n_stretches = 64
        while n_stretches < _MOST_STRETCHES and 4 * n_stretches < stop - start:
            n_stretches *= 2
        source, low, high = records, start, stop
        if _deal_by_time(records, start, stop, dealt, cursor, n_stretches):
            source, low, high = dealt, np.int64(0), stop - start
        for c in range(last - first + 1):
            place[c] = 0
        for q in range(low, high):
            place[(source[q, 1] >> 32) - first + 1] += 1
        place[0] = start
        for c in range(first, last):
            place[c - first + 1] += place[c - first]
            offsets[c + 1] = place[c - first + 1]
        for q in range(low, high):
            c = source[q, 1] >> 32
            moment = source[q, 0]
            at = place[c - first]
            place[c - first] = at + 1
            while at > offsets[c] and sorted_time[at - 1] > moment:
                sorted_time[at] = sorted_time[at - 1]
                order[at] = order[at - 1]
                if has_payload:
                    sorted_payload[at] = sorted_payload[at - 1]
                at -= 1
                moves -= 1
            sorted_time[at] = moment
            order[at] = source[q, 1] & 0x7FFFFFFF
            if has_payload:
                sorted_payload[at] = source[q, 2]
            if moves < 0:
                return 0
        start = stop
    return 1


@kernel
def cut_runs(starts, stops, time, last, cuts):
    """Per run, the position after its last line with ``time <= last``: the runs are sorted, so by bisection."""
    for c in range(starts.size):
        low = starts[c]
        high = stops[c]
        while low < high:
            middle = (low + high) >> 1
            if time[middle] <= last[c]:
                low = middle + 1
            else:
                high = middle
        cuts[c] = low


@kernel
def sum_runs(starts, stops, values, sums):
    """Sum ``values`` over each run; what rounding alone can leave of 0 (0.3 - 0.1 - 0.2) is 0."""
    for c in range(starts.size):
        total = rounding = 0.0
        for i in range(starts[c], stops[c]):
            total += values[i]
            rounding += _EPSILON * abs(values[i])
        sums[c] = 0.0 if abs(total) <= (stops[c] - starts[c]) * rounding else total


@kernel
def gather_runs(starts, stops, lines):
    """Write the line numbers of all runs one after the other."""
    at = 0
    for c in range(starts.size):
        for i in range(starts[c], stops[c]):
            lines[at] = i
            at += 1


@helper
def _bucket_of(moment, width, per_width):
    """``moment // width`` by the reciprocal, mended by at most one: seven times as fast as the division."""
    bucket = np.int64(math.floor(moment * per_width))
    rest = moment - bucket * width
    if rest < 0:
        bucket -= 1
    elif rest >= width:
        bucket += 1
    return bucket


@kernel
def summarize_runs(starts, stops, time, amount, quantity, width, shift, counts, first, last, spend, log_gaps):
    """Merge each run's lines into buckets of ``width`` and describe the buckets that hold a purchase.

    A bucket is a purchase when at least one of its lines is no return (a return has a negative amount or
    quantity; empty arrays stand for columns that are not there). Per run: ``counts`` purchase buckets, ``first``
    and ``last`` of them (bucket numbers, ``(time + shift) // width``), ``spend`` in the purchase buckets after the
    first, ``log_gaps`` the sum of log(gap) between neighbours, gaps in buckets (an empty array leaves it out: the
    logarithm costs as much as all the rest). A run without any purchase has count 0 and the bucket of its first line
    as first and last.
    """
    has_amount = amount.size > 0
    has_quantity = quantity.size > 0
    wants_gaps = log_gaps.size > 0
    per_width = 1.0 / width
    for c in range(starts.size):
        n = 0
        first_bucket = np.int64(0)
        last_bucket = np.int64(0)
        repeat_spend = 0.0
        gaps = 0.0
        i = starts[c]
        stop = stops[c]
        if i < stop:
            first_bucket = _bucket_of(time[i] + shift, width, per_width)
            last_bucket = first_bucket
        while i < stop:
            bucket = _bucket_of(time[i] + shift, width, per_width)
            end = (bucket + 1) * width - shift
            total = 0.0
            bought = False
            while i < stop and time[i] < end:
                is_return = False
                if has_amount:
                    total += amount[i]
                    is_return = amount[i] < 0.0
                if has_quantity and quantity[i] < 0.0:
                    is_return = True
                if not is_return:
                    bought = True
                i += 1
            if bought:
                if n == 0:
                    first_bucket = bucket
                else:
                    repeat_spend += total
                    if wants_gaps:
                        gaps += math.log(bucket - last_bucket)
                last_bucket = bucket
                n += 1
        counts[c] = n
        first[c] = first_bucket
        last[c] = last_bucket
        spend[c] = repeat_spend
        if wants_gaps:
            log_gaps[c] = gaps
