"""The log-rank test: scikit-survival's numbers, a slow twin, chance under no difference, wrong inputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmintel as ci
from crmintel.exceptions import InputError
from tests.oracles import survival as slow

DURATION = [
    12, 8, 9, 11, 7, 10, 11, 3, 1, 4, 4, 11, 11, 1, 6, 10, 2, 10, 2, 6, 10, 4, 5, 4, 9, 4, 12, 6, 6, 14,
]  # fmt: skip
EVENT = [1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("n_segments", "statistic", "p_value", "expected"),
    [  # compare_survival of scikit-survival 0.28
        (2, 0.16887662542705972, 0.6811121219254954, [9.188798745114534, 8.811201254885466]),
        (3, 1.32697327534781, 0.5150523990974293, [7.33037190879296, 2.7672431077694237, 7.9023849834376145]),
        (
            5,
            0.7181590461238675,
            0.949070804336229,
            [4.590909441435757, 4.561778572304889, 3.34338030390662, 2.0025143277774857, 3.501417354575249],
        ),
    ],
)
def test_it_is_scikit_survivals(n_segments, statistic, p_value, expected):
    found = ci.compare_survival(DURATION, EVENT, np.arange(30) % n_segments)
    assert found.statistic == pytest.approx(statistic, rel=1e-9)
    assert found.p_value == pytest.approx(p_value, rel=1e-9)
    assert found.expected == pytest.approx(expected, rel=1e-12)
    assert found.degrees == n_segments - 1


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.tuples(st.integers(1, 8), st.booleans(), st.sampled_from("abc"), st.integers(0, 7)),
        min_size=2,
        max_size=25,
    ),
    st.booleans(),
)
def test_it_is_the_definition(rows, late):
    rows = [(d, e, s, min(b, d - 1)) for d, e, s, b in rows]
    duration, event, segment, entry = map(list, zip(*rows, strict=True))
    entry = entry if late else None
    expected, covariance = slow.log_rank(duration, event, segment, entry)
    rank = np.linalg.matrix_rank(covariance, hermitian=True, tol=1e-9)
    if rank == 0:
        with pytest.raises(InputError, match=r"cannot be compared|one value only"):
            ci.compare_survival(duration, event, segment, entry=entry)
        return
    found = ci.compare_survival(duration, event, segment, entry=entry)
    assert found.expected == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert found.left.sum() == pytest.approx(found.expected.sum())
    excess = found.left - expected
    assert found.degrees == rank
    assert found.statistic == pytest.approx(
        excess @ np.linalg.pinv(covariance, rcond=1e-9, hermitian=True) @ excess, rel=1e-8, abs=1e-9
    )


def test_chance_and_truth():
    """Without a difference one test in twenty finds one; where a segment leaves twice as fast, nearly all do."""
    rng = np.random.default_rng(0)
    found = {1.0: 0, 2.0: 0}
    for rate in found:
        for _ in range(400):
            segment = rng.integers(0, 2, 120)
            stays = rng.exponential(10.0, 120) / np.where(segment == 1, rate, 1.0)
            end = rng.uniform(5.0, 25.0, 120)
            test = ci.compare_survival(np.minimum(stays, end), stays <= end, segment)
            found[rate] += test.p_value < 0.05
    assert 0.03 < found[1.0] / 400 < 0.075
    assert found[2.0] / 400 > 0.8


def test_the_answer_reads():
    found = ci.compare_survival([1, 2, 3, 8, 9, 9], [1, 1, 1, 1, 0, 0], ["new"] * 3 + ["old"] * 3)
    assert "segments differ" in str(found)
    assert found.to_frame()["segment"].tolist() == ["new", "old"]
    pl = pytest.importorskip("polars")
    assert found.to_frame("polars")["left"].to_list() == [3, 1]
    assert isinstance(found.to_frame("polars"), pl.DataFrame)
    same = ci.compare_survival([1, 1, 2, 2], [1, 1, 0, 0], ["a", "b"] * 2)
    assert (same.statistic, same.p_value) == (pytest.approx(0.0), pytest.approx(1.0))
    assert "no difference" in str(same)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"segment": ["a"] * 4}, r"one value only \('a'\)"),
        ({"segment": ["a", "b"]}, "segment has 2 values, expected 4"),
        ({"segment": ["a", None, "b", "b"]}, "segment must not be missing"),
        ({"event": [0] * 4}, "cannot be compared"),
        ({"event": [1, 2, 0, 0]}, "event must be 0"),
        ({"duration": [1, np.nan, 2, 3]}, "duration must be finite"),
        ({"duration": [-1, 1, 2, 3]}, "duration must be >= 0"),
        ({"duration": []}, "duration has 0 values"),
        ({"entry": [0, 5, 0, 0]}, "entry must lie before duration"),
    ],
    ids=str,
)
def test_bad_input(change, says):
    rows = {"duration": [1, 2, 3, 4], "event": [1, 1, 0, 1], "segment": ["a", "b", "a", "b"], **change}
    with pytest.raises(InputError, match=says):
        ci.compare_survival(**rows)
