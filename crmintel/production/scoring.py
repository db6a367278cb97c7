"""Customers asked about batch by batch, so that memory holds one batch, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmintel._frames import is_frame, open_frame, replace_columns
from crmintel._progress import progress
from crmintel._validation import check_names, check_number
from crmintel.exceptions import ColumnError, CrmintelError, InputError, InputTypeError, MissingExtraError
from crmintel.production._files import written_whole

Answers = Mapping[str, Callable[[Any], Any]]


def score_batches(
    batches: Iterable[Any],
    answers: Answers,
    *,
    keep: Sequence[str] = (),
    verbose: bool | int = False,
) -> Iterator[Any]:
    """Ask models about customers that come in batches, and yield the answers batch by batch.

    A batch is read when the one before it has been handed over, so that one at a time is in memory. It takes and gives
    iterators, as ``mapInArrow`` and ``mapInPandas`` of Spark want them. The customers of one call share tables of what
    is costly to compute, so that answers may differ from those for all customers at once in the last digits (1e-12).

    Parameters
    ----------
    batches : iterable of frames, dicts of arrays, record batches of pyarrow, or arrays
        One row per customer. Batches without a row are passed over.
    answers : dict of str to callable
        Name of each column of the result, and what gives it for a batch: a method of a fitted model, or a function.
        An answer of several columns, such as an interval, gives ``name_0, name_1, ...``, or ``name_column`` where its
        columns have names.
    keep : sequence of str, default=()
        Columns of the batch that stand before the answers: the customer's id.
    verbose : bool, default=False
        Whether to draw a progress bar.

    Yields
    ------
    frame, dict of arrays or record batch
        In the form of its batch; a dict for an array.

    Returns
    -------
    iterator

    Raises
    ------
    InputTypeError
        If ``batches`` is a single frame or dict.
    InputError
        If an answer does not have one value, or row, for each customer.
    ColumnError
        If a column to keep is not there, or two columns of the result have one name.

    See Also
    --------
    score_parquet : From file to file.

    Examples
    --------
    >>> import numpy as np
    >>> from crmintel import BetaGeoNBD, score_batches
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> batch = {"id": np.array([1516, 7]), "frequency": [2, 0], "recency": [30.43, 0], "T": [38.86, 10]}
    >>> answers = {"alive": model.probability_alive, "purchases": lambda X: model.expected_purchases(X, "39W")}
    >>> for scored in score_batches([batch], answers, keep=["id"]):
    ...     print(scored["id"], scored["alive"].round(3), scored["purchases"].round(3))
    [1516    7] [0.727 1.   ] [1.226 0.499]
    """
    one = isinstance(batches, Mapping) or is_frame(batches) or getattr(batches, "ndim", 0) == 2
    if one or not isinstance(batches, Iterable):
        raise InputTypeError(
            f"batches must be an iterable of batches, got one {type(batches).__name__}; write [...] around it."
        )
    answers = _checked(answers)
    names = check_names(keep, "keep")
    return _scored(progress(batches, verbose=verbose, label="batches of customers"), answers, names)


def score_parquet(
    source: str | Path,
    target: str | Path,
    answers: Answers,
    *,
    keep: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    batch_size: int = 262_144,
    verbose: bool | int = False,
) -> int:
    """Ask models about the customers of a Parquet file and write the answers to another; see `score_batches`.

    The target appears when all customers are in it: an interrupted run leaves what was there before.

    Parameters
    ----------
    source, target : str or Path
        Files; with one row per customer.
    answers : dict of str to callable
        As in `score_batches`; the callables are given tables of pyarrow.
    keep : sequence of str, default=()
        Columns of the source that stand before the answers.
    columns : sequence of str, optional
        Columns of the source that the answers need; None reads all.
    batch_size : int, default=262144
        Customers at a time: 100 to 250 bytes of memory for each.
    verbose : bool, default=False
        Whether to draw a progress bar.

    Returns
    -------
    int
        Number of customers scored.

    Raises
    ------
    MissingExtraError
        Without pyarrow.
    InputError
        If the source has no rows.

    See Also
    --------
    score_batches : Batches from elsewhere.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> from crmintel import BetaGeoNBD, score_parquet
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> rows = pa.table({"id": [1516, 7], "frequency": [2, 0], "recency": [30.43, 0.0], "T": [38.86, 10.0]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source, target = Path(folder) / "rows.parquet", Path(folder) / "scores.parquet"
    ...     pq.write_table(rows, source)
    ...     n = score_parquet(source, target, {"alive": model.probability_alive}, keep=["id"])
    ...     n, pq.read_table(target).column_names
    (2, ['id', 'alive'])
    """
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError(
            "Parquet files are read with pyarrow, which is not installed: pip install 'crmintel[io]'"
        ) from None
    answers, names = _checked(answers), check_names(keep, "keep")
    batch_size = int(check_number(batch_size, "batch_size", low=1, integer=True))
    wanted = None if columns is None else list(dict.fromkeys([*names, *check_names(columns, "columns")]))
    with pq.ParquetFile(source) as file, written_whole(Path(target)) as path:
        there = file.schema_arrow.names
        missing = [name for name in wanted or names if name not in there]
        if missing:
            raise ColumnError(f"{source} has no columns {missing}; it has {there}.")
        n_customers = file.metadata.num_rows
        if n_customers == 0:
            raise InputError(f"{source} has no rows, so there is nobody to be scored.")
        batches = progress(
            file.iter_batches(batch_size, columns=wanted),
            verbose=verbose,
            label="batches of customers",
            total=-(-n_customers // batch_size),
        )
        writer = None
        try:
            for batch in _scored(batches, answers, names):
                writer = writer or pq.ParquetWriter(path, batch.schema)
                writer.write_batch(batch)
        finally:
            if writer is not None:
                writer.close()
    return int(n_customers)


def _scored(batches: Iterable[Any], answers: Answers, keep: list[str]) -> Iterator[Any]:
    first = 0
    for number, batch in enumerate(batches):
        is_record_batch = type(batch).__name__ == "RecordBatch" and hasattr(batch, "schema")
        frame = _table_of(batch) if is_record_batch else batch
        named = isinstance(frame, Mapping) or is_frame(frame)
        if not named and not hasattr(frame, "__len__"):
            raise InputTypeError(f"batch {number} must be a frame, a dict or an array, got {frame!r:.80}.")
        n = open_frame(frame, "a batch").n_rows if named else len(frame)
        if n == 0:
            continue
        if keep and not named:
            raise ColumnError(f"keep={keep} needs batches with named columns, got {type(batch).__name__}.")
        try:
            answered = [each for name, answer in answers.items() for each in _columns(name, answer(frame), n)]
            columns = dict(answered)
            clash = sorted(set(columns) & set(keep))
            if clash:
                raise ColumnError(f"keep={clash} are names of answers, too; rename those.")
            if len(columns) < len(answered):
                names = [name for name, _ in answered]
                raise ColumnError(f"two answers would be one column of the result, of {names}; rename one.")
            scored = replace_columns(frame if named else {}, keep, columns)
        except CrmintelError as error:
            error.add_note(f"in batch {number}, whose first row is row {first:,} of all")
            raise
        yield scored.combine_chunks().to_batches()[0] if is_record_batch else scored
        first += n


def _checked(answers: Any) -> Answers:
    if not isinstance(answers, Mapping) or not answers:
        raise InputTypeError(
            f"answers must map names of columns to methods, e.g. {{'alive': model.probability_alive}}; got {answers!r}."
        )
    for name, answer in answers.items():
        if not isinstance(name, str) or not callable(answer):
            raise InputTypeError(
                f"answers[{name!r}] must be a method or function of a batch, got {answer!r}; name a column by text."
            )
    return dict(answers)


def _columns(name: str, answer: Any, n: int) -> Iterator[tuple[str, NDArray[Any]]]:
    try:
        values = np.asarray(answer)
    except ValueError:
        raise InputError(f"the answer {name!r} has rows of different lengths.") from None
    if values.ndim not in (1, 2) or values.shape[0] != n:
        raise InputError(f"the answer {name!r} has shape {values.shape} for a batch of {n} customers.")
    if values.ndim == 1:
        yield name, values
        return
    labels = getattr(answer, "columns", None)
    for k in range(values.shape[1]):
        label = k if labels is None else labels[k]
        yield f"{name}_{label}", np.ascontiguousarray(values[:, k])


def _table_of(batch: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_batches([batch])
