"""Progress bars: silent unless asked, tqdm when asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from crmintel.exceptions import MissingExtraError

T = TypeVar("T")


def progress(steps: Iterable[T], *, verbose: bool | int, label: str, total: int | None = None) -> Iterator[T]:
    """Iterate over ``steps``; with ``verbose`` a tqdm bar named ``label`` is drawn on standard error."""
    if not verbose:
        return iter(steps)
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise MissingExtraError(
            "verbose=True draws its bar with tqdm, which is not installed: pip install 'crmintel[progress]'"
        ) from None
    return iter(tqdm(steps, desc=label, total=total))
