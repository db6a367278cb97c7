"""Asking for memory ahead of its use: rows read in no order are waited for one after the other otherwise."""

from __future__ import annotations

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np import arrayobj

if numba.config.DISABLE_JIT:

    def prefetch(array, place):
        """Have the processor load ``array[place]`` into its cache."""

else:

    @intrinsic
    def prefetch(typing_context, array, place):
        """Have the processor load ``array[place]`` into its cache."""

        def generate(context, builder, signature, arguments):
            struct = arrayobj.make_array(signature.args[0])(context, builder, arguments[0])
            ir, byte, flag = cgutils.ir, cgutils.voidptr_t, cgutils.int32_t
            address = builder.bitcast(builder.gep(struct.data, [arguments[1]]), byte)
            kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
            load = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
            builder.call(load, [address, flag(0), flag(3), flag(1)])  # to be read, kept, data
            return context.get_dummy_value()

        return types.void(array, place), generate
