"""One decorator owns the JIT policy: no GIL, numpy's division rules, a disk cache that cannot go stale.

``CRMINTEL_CACHE=0`` in the environment switches the disk cache off; ``NUMBA_CACHE_DIR`` moves it.

Never ``parallel=True`` (numba #4807, #10128: with a cache it crashes other processes; launches cost more than
these kernels run) and never a kernel that calls itself (numba #6061: cached, it crashes the second process).
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import pathlib
import threading
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Self

import numba
from numba.core import caching
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.types.misc import unliteral

_KERNELS: list[Any] = []


@lru_cache(maxsize=1)
def _stamp() -> bytes:
    """Digest of every kernel source: numba's own stamp sees one file, but kernels inline helpers of others.

    The switches are in it because numba's key leaves them out: unchecked code must not stand in for checked code.
    """
    switches = (numba.__version__, numba.config.BOUNDSCHECK, numba.config.OPT)
    digest = hashlib.sha256(repr(switches).encode())
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.digest()


class _SealedFile(caching.IndexDataCacheFile):
    """One file a signature, sealed by a digest of the kernel sources, the signature and the machine code.

    A file that is cut, edited or made from other sources is a miss, and the next compilation replaces it. numba's
    index file, which is written before the code it points to and by whoever comes last, is not used.
    """

    def _path(self, key: Any) -> str:
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return self._data_path(f"{pathlib.Path(self._index_name).stem}.{name}.nbc")

    def _seal(self, key: Any, code: bytes) -> bytes:
        return hashlib.sha256(self._source_stamp + repr(key).encode() + code).digest()

    def save(self, key: Any, data: Any) -> None:
        code = self._dump(data)
        with self._open_for_write(self._path(key)) as file:
            file.write(self._seal(key, code) + code)

    def load(self, key: Any) -> Any:
        content = pathlib.Path(self._path(key)).read_bytes()
        seal, code = content[:32], content[32:]
        return caching.pickle.loads(code) if seal == self._seal(key, code) else None


class _SealedCache(caching.FunctionCache):
    """numba's function cache, keyed by all kernel sources, for which a failure is a miss and never an error."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _SealedFile(
            cache_path=self._cache_path, filename_base=self._impl.filename_base, source_stamp=_stamp()
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception:
            self.disable()


def _forget_literals(compiled: Any) -> None:
    """Let another kernel that passes a constant share the code for its type, not compile it again for the value."""
    template = compiled.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        return template([unliteral(a) for a in args], {k: unliteral(a) for k, a in kws.items()})

    compiled.get_call_template = get_call_template


class _Pause:
    """Keep Python's collector of garbage off meanwhile: of a compiler's many objects it would take 10 % of the time.

    Threads may compile side by side, so the last one to end switches it on again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._was_on = False

    def __enter__(self) -> Self:
        with self._lock:
            if self._inside == 0:
                self._was_on = gc.isenabled()
                gc.disable()
            self._inside += 1
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._was_on:
                gc.enable()


_COLLECTOR_OFF = _Pause()


def _spare_collections(compiled: Any) -> None:
    compile_for = compiled.compile

    def compile_uncollected(sig: Any) -> Any:
        with _COLLECTOR_OFF:
            return compile_for(sig)

    compiled.compile = compile_uncollected


class _Part(JITCodeLibrary):
    """The code of a helper, which is optimised and made native in the kernels that call it, not on its own as well.

    On its own it took a fifth of the time of all.
    """

    codegen = property(lambda self: self)

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        return 0

    def set_env(self, name: str, environment: Any) -> None:
        pass


class _PartCompiler(Compiler):
    def __init__(self, *state: Any) -> None:
        super().__init__(*state)
        self.state.library = _Part(self.state.targetctx.codegen(), "part")


def _compiled(function: Callable[..., Any], *, cached: bool = True, **options: Any) -> Any:
    compiled = numba.njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options)(function)
    if numba.config.DISABLE_JIT:
        return compiled
    _forget_literals(compiled)
    _spare_collections(compiled)
    _KERNELS.append(compiled)
    if cached and os.environ.get("CRMINTEL_CACHE", "1") != "0":
        # frozen or zipped code, or no writable place: compile in every process
        with contextlib.suppress(Exception):
            compiled._cache = _SealedCache(function)
    return compiled


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` at its first call, or read its machine code from the disk cache.

    It makes no arrays. Without the counting of references to these a third less is compiled.
    """
    return _compiled(function, _nrt=False)


def allocating_kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` as `kernel` does, with arrays made in it."""
    return _compiled(function)


def helper(function: Callable[..., Any]) -> Any:
    """Compile ``function`` as a part of the kernels that call it, out of reach of Python.

    The entry from Python takes 28 ms to compile, which is more than most small functions themselves do.
    """
    compiled = _compiled(
        function, cached=False, _nrt=False, no_cpython_wrapper=True, pipeline_class=_PartCompiler
    )
    if not numba.config.DISABLE_JIT:
        # numba would jump to the entry that is not there
        compiled._insert = lambda *overload: None
        compiled._compile_for_args = partial(_refuse, function.__name__)
    return compiled


def _refuse(name: str, *arguments: Any, **keywords: Any) -> None:
    raise TypeError(
        f"{name} is a helper, which only kernels can call; mark it as a kernel to call it from Python."
    )


def compiled_kernels() -> list[Any]:
    """All kernels of the modules imported so far, for the tests of the JIT policy."""
    return list(_KERNELS)
