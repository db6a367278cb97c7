"""One decorator owns the JIT policy: no GIL, numpy's division rules, a disk cache that cannot go stale.

``CRMINTEL_CACHE=0`` in the environment switches the disk cache off; ``NUMBA_CACHE_DIR`` moves it.

Never ``parallel=True`` (numba #4807, #10128: with a cache it crashes other processes; launches cost more than
these kernels run) and never a kernel that calls itself (numba #6061: cached, it crashes the second process).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numba
from numba.core import caching

_KERNELS: list[Any] = []


@lru_cache(maxsize=1)
def _stamp() -> str:
    """Digest of every kernel source: numba's own stamp sees one file, but kernels inline helpers of others."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


class _SealedFile(caching.IndexDataCacheFile):  # type: ignore[misc]
    """Cache files whose machine code is loaded only if its digest matches: a cut or edited file is a miss.

    The digest also covers the stamp: numba writes the index before the code, so a process killed between the
    two would leave a fresh index that points to stale code.
    """

    def _seal(self, data: bytes) -> bytes:
        return hashlib.sha256(self._source_stamp.encode() + data).digest()

    def _save_data(self, name: str, data: Any) -> None:
        code = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(self._seal(code) + code)

    def _load_data(self, name: str) -> Any:
        content = pathlib.Path(self._data_path(name)).read_bytes()
        seal, code = content[:32], content[32:]
        if seal != self._seal(code):
            raise OSError(f"{name} is damaged")
        return caching.pickle.loads(code)

    def _load_index(self) -> dict[Any, str]:
        try:
            index = super()._load_index()
        except Exception:  # any damage to the index reads as an empty cache
            return {}
        return index if isinstance(index, dict) else {}


class _SealedCache(caching.FunctionCache):  # type: ignore[misc]
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


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` at its first call, or read its machine code from the disk cache."""
    compiled = numba.njit(nogil=True, error_model="numpy")(function)
    if numba.config.DISABLE_JIT:
        return compiled
    _KERNELS.append(compiled)
    if os.environ.get("CRMINTEL_CACHE", "1") != "0":
        with contextlib.suppress(
            Exception
        ):  # frozen or zipped code, no writable place: compile in every process
            compiled._cache = _SealedCache(function)
    return compiled


def compiled_kernels() -> list[Any]:
    """All kernels of the modules imported so far, for the tests of the JIT policy."""
    return list(_KERNELS)
