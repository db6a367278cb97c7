"""Counting the ones of a 64-bit word, one instruction where the processor has it."""

from __future__ import annotations

import numba
from numba.core import types
from numba.extending import intrinsic

if numba.config.DISABLE_JIT:

    def count_ones(word):
        """Return the number of ones of ``word`` (uint64)."""
        return int(word).bit_count()

else:

    @intrinsic
    def count_ones(typing_context, word):
        """Return the number of ones of ``word`` (uint64)."""

        def generate(context, builder, signature, arguments):
            return builder.ctpop(arguments[0])

        return types.uint64(types.uint64), generate
