"""What a segment is like: its size, its money, what sets it apart, in numbers and in a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmintel._frames import build_frame
from crmintel._validation import check_number, check_vector
from crmintel.exceptions import InputError
from crmintel.segments._columns import library_of, read_columns
from crmintel.segments._labels import as_labels, codes_of, segment_names


class SegmentProfile(BaseEstimator):
    """Describe segments by what sets them apart from the rest of the customers.

    Parameters
    ----------
    top : int, default=3
        How many columns a sentence names at most.
    threshold : float, default=0.2
        Smallest effect that a sentence names, in standard deviations; its interval must not hold 0 either.
    level : float, default=0.9
        Level of the intervals of the effects.

    Attributes
    ----------
    segments_ : list
        The segments, sorted by name.
    columns_ : list of str
        Names of the columns.
    sizes_ : ndarray of int64, shape (n_segments,)
        Number of customers.
    customer_share_, money_share_ : ndarray of float64, shape (n_segments,)
        Shares of customers and of money; the second is NaN without money, or where its sum is not positive.
    means_, others_ : ndarray of shape (n_segments, n_columns)
        Mean of each column in the segment, and of all other customers.
    effects_ : ndarray of shape (n_segments, n_columns)
        Hedges' g: the mean of the segment less that of all other customers, in pooled standard deviations. NaN where
        one side has fewer than two customers; 0 for a constant column.
    intervals_ : ndarray of shape (n_segments, n_columns, 2)
        Interval of each effect.
    sentences_ : dict
        One plain sentence per segment.
    library_ : str or None
        Library of the frame that ``fit`` saw.
    n_features_in_ : int
        Number of columns.

    See Also
    --------
    over_represented : The items that a segment buys more often than others.
    SegmentRules : Segments as rules of a few columns.

    Notes
    -----
    Money and counts are skewed: give their logarithms where a mean should not be ruled by a few customers. Segments
    that were found in the very columns they are described by differ in them by construction; the intervals say how
    well the sizes of the differences are known, not that the segments are real. `ClusterSelection` asks that.

    References
    ----------
    Hedges, L. V. & Olkin, I. (1985). Statistical Methods for Meta-Analysis. Academic Press, ch. 5.

    Examples
    --------
    >>> import crmintel as ci
    >>> X = {"spend": [10.0, 12.0, 11.0, 95.0, 90.0], "visits": [1, 2, 1, 2, 1]}
    >>> profile = ci.SegmentProfile().fit(X, ["base", "base", "base", "gold", "gold"], money=X["spend"])
    >>> print(profile.sentences_["gold"])
    gold: 2 customers (40.0%), 84.9% of the money; spend far higher (92.5, others 11).
    """

    def __init__(self, *, top: int = 3, threshold: float = 0.2, level: float = 0.9) -> None:
        self.top = top
        self.threshold = threshold
        self.level = level

    def fit(self, X: Any, y: ArrayLike, *, money: ArrayLike | None = None) -> SegmentProfile:
        """Compare each segment with all other customers.

        Parameters
        ----------
        X : frame, CustomerRows or array of shape (n_customers, n_columns)
            Numbers; NaN where a value is not known, which then counts on neither side.
        y : array-like of shape (n_customers,)
            Segment of each customer; None for one who is in none, and is left out.
        money : array-like of shape (n_customers,), optional
            Money of each customer.

        Returns
        -------
        SegmentProfile
            The fitted estimator.

        Raises
        ------
        InputError
            If lengths differ, there are fewer than two segments, or a column holds infinite values.
        """
        top = int(check_number(self.top, "top", low=0, integer=True))
        threshold = check_number(self.threshold, "threshold", low=0.0)
        level = check_number(self.level, "level", low=0.0, high=1.0, strict_low=True, strict_high=True)
        names, values = read_columns(X)
        labels = as_labels(y, "y", n=len(values))
        spend = None if money is None else check_vector(money, "money", n=len(values))
        segments = segment_names(labels)
        if len(segments) < 2:
            raise InputError(
                f"y holds the segments {segments}; a profile compares each with others, so 2 are needed."
            )
        known = np.array([label is not None for label in labels.tolist()])
        codes, values = codes_of(labels[known], segments), values[known]

        self.segments_, self.columns_, self.n_features_in_ = segments, names, len(names)
        self.sizes_ = np.bincount(codes, minlength=len(segments))
        self.customer_share_ = self.sizes_ / codes.size
        self.money_share_ = _money_shares(codes, None if spend is None else spend[known], len(segments))
        self.means_, others, self.effects_, error = _effects(values, codes, len(segments))
        width = float(ndtri((1.0 + level) / 2.0)) * error
        self.intervals_ = np.stack([self.effects_ - width, self.effects_ + width], axis=-1)
        self.others_, self.library_ = others, library_of(X)
        self.sentences_ = {name: self._sentence(i, top, threshold) for i, name in enumerate(segments)}
        return self

    def to_frame(self, library: str | None = None) -> Any:
        """Return one row per segment and column: ``segment, column, mean, others, effect, low, high``.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"} or None, default=None
            Kind of frame; None is that of the X of ``fit``, or a dict of arrays where X was none.
        """
        check_is_fitted(self)
        k, p = self.effects_.shape
        return build_frame(
            {
                "segment": np.repeat(np.array(self.segments_), p),
                "column": np.tile(np.array(self.columns_), k),
                "mean": self.means_.ravel(),
                "others": self.others_.ravel(),
                "effect": self.effects_.ravel(),
                "low": self.intervals_[..., 0].ravel(),
                "high": self.intervals_[..., 1].ravel(),
            },
            self.library_ if library is None else library,
        )

    def _sentence(self, i: int, top: int, threshold: float) -> str:
        effects, (low, high) = self.effects_[i], self.intervals_[i].T
        clear = (np.abs(effects) >= threshold) & ~((low <= 0.0) & (high >= 0.0))
        strongest = [j for j in np.argsort(-np.abs(effects), kind="stable") if clear[j]][:top]
        people = "customer" if self.sizes_[i] == 1 else "customers"
        people = f"{self.segments_[i]}: {self.sizes_[i]:,} {people} ({self.customer_share_[i]:.1%})"
        share = self.money_share_[i]
        money = "" if np.isnan(share) else f", {share:.1%} of the money"
        if top == 0:
            return f"{people}{money}."
        if np.isnan(effects).all():
            few = "one customer is too few" if self.sizes_[i] == 1 else "too little is known"
            return f"{people}{money}; {few} to tell what sets them apart."
        if not strongest:
            return f"{people}{money}; much like the others."
        points = [
            f"{self.columns_[j]} {_how_much(effects[j])} "
            f"({_plain(self.means_[i, j])}, others {_plain(self.others_[i, j])})"
            for j in strongest
        ]
        return f"{people}{money}; {', '.join(points)}."


def _how_much(effect: float) -> str:
    """Cohen's words: .2 is small, .5 middling, .8 large."""
    size = abs(effect)
    grade = "far " if size >= 0.8 else "" if size >= 0.5 else "somewhat "
    return grade + ("higher" if effect > 0.0 else "lower")


def _plain(number: float) -> str:
    """Three digits, and never 2.5e+03."""
    return f"{float(f'{number:.3g}'):,.10g}"


def _money_shares(codes: NDArray[np.int64], money: NDArray[np.float64] | None, k: int) -> NDArray[np.float64]:
    if money is None:
        return np.full(k, np.nan)
    sums = np.bincount(codes, money, k)
    total = float(money.sum())
    return sums / total if total > 0.0 else np.full(k, np.nan)


def _effects(
    values: NDArray[np.float64], codes: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Means of each segment and of the others, Hedges' g and its standard error, each (k, p)."""
    known = ~np.isnan(values)
    seen = np.maximum(known.sum(axis=0), 1)
    middle = np.where(known, values, 0.0).sum(axis=0) / seen
    centred = np.where(known, values - middle, 0.0)
    n, sums, squares = (
        np.array([np.bincount(codes, column, k) for column in each.T]).T
        for each in (known.astype(np.float64), centred, centred**2)
    )
    rest_n, rest_sums, rest_squares = (each.sum(axis=0) - each for each in (n, sums, squares))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, rest = sums / n, rest_sums / rest_n
        spread = (squares - n * mean**2) + (rest_squares - rest_n * rest**2)
        freedom = n + rest_n - 2.0
        deviation = np.sqrt(np.maximum(spread, 0.0) / freedom)
        difference = mean - rest
        # what is left of a constant column is rounding
        scale = np.abs(middle) + np.sqrt(squares.sum(axis=0) / seen)
        difference[np.abs(difference) <= 1e-12 * scale] = 0.0
        small = 1.0 - 3.0 / (4.0 * freedom - 1.0)
        effect = np.where(difference == 0.0, 0.0, small * difference / deviation)
        effect[(n < 2) | (rest_n < 2)] = np.nan
        error = np.sqrt((n + rest_n) / (n * rest_n) + effect**2 / (2.0 * (n + rest_n)))
    error[np.isinf(effect)] = 0.0
    return mean + middle, rest + middle, effect, error
