"""Survival curves, concordance and Brier score: scikit-survival's numbers, slow twins, properties, wrong inputs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmintel as ci
from crmintel.exceptions import DataWarning, InputError, InputTypeError
from tests.oracles import survival as slow

# Thirty customers, thirty others, and what scikit-survival 0.28 answers on them: kaplan_meier_estimator (conf_type
# "log-log", time_enter=ENTRY), nelson_aalen_estimator, concordance_index_censored, concordance_index_ipcw (tau=9),
# brier_score and integrated_brier_score.
DURATION = [
    12,
    8,
    9,
    11,
    7,
    10,
    11,
    3,
    1,
    4,
    4,
    11,
    11,
    1,
    6,
    10,
    2,
    10,
    2,
    6,
    10,
    4,
    5,
    4,
    9,
    4,
    12,
    6,
    6,
    14,
]
EVENT = [1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0]
RISK = [
    0.2,
    -2.3,
    -0.0,
    -1.0,
    -1.3,
    1.0,
    -0.3,
    -1.5,
    -0.0,
    0.2,
    -0.6,
    -0.4,
    -1.2,
    0.6,
    0.8,
    -1.7,
    0.0,
    -1.5,
    -0.1,
    -1.8,
    -1.6,
    -0.6,
    0.4,
    0.7,
    -2.2,
    -1.2,
    -0.6,
    -2.6,
    -1.1,
    -0.8,
]
ENTRY = [3, 0, 3, 2, 1, 3, 3, 2, 0, 2, 0, 0, 0, 0, 3, 1, 0, 0, 1, 1, 1, 3, 3, 2, 3, 1, 0, 1, 0, 3]
TRAIN_DURATION = [
    11,
    11,
    6,
    12,
    8,
    11,
    12,
    7,
    4,
    2,
    7,
    3,
    10,
    12,
    3,
    7,
    1,
    3,
    5,
    11,
    12,
    8,
    8,
    7,
    1,
    5,
    12,
    5,
    3,
    14,
]
TRAIN_EVENT = [1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0]
TIME = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 14.0]
SURVIVAL = [
    0.9666666666666667,
    0.8976190476190476,
    0.8976190476190476,
    0.754,
    0.7162999999999999,
    0.6408999999999999,
    0.6408999999999999,
    0.6408999999999999,
    0.5915999999999999,
    0.3764727272727272,
    0.2689090909090909,
    0.17927272727272728,
    0.17927272727272728,
]
LOW = [
    0.7860836040193636,
    0.7151374850063489,
    0.7151374850063489,
    0.55172290449323,
    0.5111854808811064,
    0.4343517041595009,
    0.4343517041595009,
    0.4343517041595009,
    0.3803214044244469,
    0.1799476539512781,
    0.10264808833285353,
    0.040028078936887715,
    0.040028078936887715,
]
HIGH = [
    0.9952363395766828,
    0.9658034624207731,
    0.9658034624207731,
    0.8745345336606787,
    0.8471261653959999,
    0.7887213163314898,
    0.7887213163314898,
    0.7887213163314898,
    0.7519945855288632,
    0.5732434422645089,
    0.46872130437787524,
    0.3992981104440588,
    0.3992981104440588,
]
HAZARD = [
    0.03333333333333333,
    0.10476190476190475,
    0.10476190476190475,
    0.26476190476190475,
    0.31476190476190474,
    0.4200250626566416,
    0.4200250626566416,
    0.4200250626566416,
    0.4969481395797185,
    0.8605845032160822,
    1.146298788930368,
    1.4796321222637012,
    1.4796321222637012,
]
SURVIVAL_FROM_ENTRY = [
    0.9,
    0.78,
    0.78,
    0.6552,
    0.62244,
    0.55692,
    0.55692,
    0.55692,
    0.51408,
    0.32714181818181814,
    0.23367272727272725,
    0.1557818181818182,
    0.1557818181818182,
]
BRIER = [0.09141164693688175, 0.18673825683838802, 0.2208012555485797, 0.25471768161604624]
TRAIN = (TRAIN_DURATION, TRAIN_EVENT)
TIMES = np.array([2.0, 4.0, 6.5, 9.0])
FORETOLD = np.exp(-np.outer(np.exp(0.3 * np.array(RISK) - 2.3), TIMES))


def test_curves_equal_those_of_scikit_survival():
    curve = ci.survival_curve(DURATION, EVENT)
    assert curve.time.tolist() == TIME
    for found, known in (
        (curve.survival, SURVIVAL),
        (curve.survival_low, LOW),
        (curve.survival_high, HIGH),
        (curve.hazard, HAZARD),
        (ci.survival_curve(DURATION, EVENT, entry=ENTRY).survival, SURVIVAL_FROM_ENTRY),
    ):
        assert found == pytest.approx(known, abs=1e-12)


def test_scores_equal_those_of_scikit_survival():
    assert ci.concordance_index(DURATION, EVENT, RISK) == pytest.approx(0.5907407407407408, abs=1e-12)
    uno = ci.concordance_ipcw(DURATION, EVENT, RISK, train=TRAIN)
    assert uno == pytest.approx(0.7289309749901798, abs=1e-12)
    early = ci.concordance_ipcw(DURATION, EVENT, RISK, train=TRAIN, until=9)
    assert early == pytest.approx(0.6458943691064223, abs=1e-12)
    score = ci.survival_brier_score(DURATION, EVENT, FORETOLD, TIMES, train=TRAIN)
    assert score == pytest.approx(BRIER, abs=1e-12)
    mean = ci.integrated_brier_score(DURATION, EVENT, FORETOLD, TIMES, train=TRAIN)
    assert mean == pytest.approx(0.1974247093878231, abs=1e-12)


def test_the_remission_data_of_freireich():
    """6-MP group of Freireich et al. (1963): the curve printed by Kalbfleisch & Prentice and in every textbook."""
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    relapsed = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    curve = ci.survival_curve(weeks, relapsed)
    printed = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.at([6, 7, 10, 13, 16, 22, 23]) == pytest.approx(printed, abs=5e-4)
    assert curve.quantile(0.5) == 23.0


customers = st.lists(
    st.tuples(st.integers(1, 9), st.booleans(), st.integers(0, 3), st.integers(-2, 2)),
    min_size=2,
    max_size=25,
)


@given(customers)
@settings(max_examples=60, deadline=None)
def test_curves_and_concordance_equal_their_slow_twins(rows):
    duration, event, weight, risk = (list(column) for column in zip(*rows, strict=True))
    curve = ci.survival_curve(duration, event)
    assert curve.survival == pytest.approx([slow.kaplan_meier(duration, event, t) for t in curve.time])
    assert curve.hazard == pytest.approx([slow.nelson_aalen(duration, event, t) for t in curve.time])
    assert curve.restricted_mean(1) == pytest.approx(1.0)
    horizon = int(curve.time[-1])
    assert curve.restricted_mean(horizon) == pytest.approx(slow.restricted_mean(duration, event, horizon))
    inside = np.isfinite(curve.survival_low)
    assert (curve.survival_low[inside] <= curve.survival[inside] + 1e-12).all()
    assert (curve.survival_high[inside] >= curve.survival[inside] - 1e-12).all()
    if sum(weight):
        weighted = ci.survival_curve(duration, event, sample_weight=weight)
        repeated = ci.survival_curve(np.repeat(duration, weight), np.repeat(event, weight))
        assert weighted.survival == pytest.approx(repeated.survival)
        assert weighted.survival_low == pytest.approx(repeated.survival_low, nan_ok=True)
    known = slow.concordance(duration, event, risk)
    if known is None:
        with pytest.raises(InputError, match="no pair"):
            ci.concordance_index(duration, event, risk)
    else:
        assert ci.concordance_index(duration, event, risk) == pytest.approx(known)
        assert ci.concordance_index(duration, event, [-each for each in risk]) == pytest.approx(1.0 - known)


@given(customers)
@settings(max_examples=40, deadline=None)
def test_weighted_scores_equal_their_slow_twins(rows):
    duration, event, _, risk = (list(column) for column in zip(*rows, strict=True))
    train = ([*duration, 12], [*event, False])
    weight = [slow.kaplan_meier(*train, d, cut_off=True) ** -2 for d in duration]
    survival = np.clip(0.5 + 0.2 * np.array(risk, dtype=float), 0, 1)[:, None]
    score = ci.survival_brier_score(duration, event, survival, [5], train=train)
    assert score == pytest.approx([slow.brier(duration, event, survival[:, 0], 5, train)])
    if any(e and (d < max(duration)) for d, e in zip(duration, event, strict=True)):
        c = ci.concordance_ipcw(duration, event, risk, train=train)
        assert c == pytest.approx(slow.concordance(duration, event, risk, weight))


@given(customers)
@settings(max_examples=40, deadline=None)
def test_delayed_entry_equals_its_slow_twin(rows):
    duration = [each[0] + each[2] for each in rows]
    event, entry = [each[1] for each in rows], [each[2] for each in rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        curve = ci.survival_curve(duration, event, entry=entry)
    known = [slow.kaplan_meier(duration, event, t, entry=entry) for t in curve.time]
    assert curve.survival == pytest.approx(known)


def test_the_interval_covers_the_truth():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        life, watched = rng.exponential(10, 120), rng.uniform(2, 25, 120)
        curve = ci.survival_curve(np.minimum(life, watched), life <= watched, level=0.9)
        place = np.searchsorted(curve.time, 7.0, side="right") - 1
        covered.append(curve.survival_low[place] <= np.exp(-0.7) <= curve.survival_high[place])
    assert 0.86 < np.mean(covered) < 0.94


def test_remaining_tenure_and_reach():
    curve = ci.survival_curve([1, 2, 3, 4], [1, 1, 1, 1])
    assert curve.restricted_mean(10) == 2.5
    assert curve.restricted_mean(10, after=2) == 1.5
    assert curve.at([0, 1, 99]).tolist() == [1.0, 0.75, 0.0]
    assert ci.survival_curve([1, 2], [0, 0]).quantile() == np.inf
    with pytest.raises(InputError, match="nobody stayed that long"):
        curve.restricted_mean(1, after=4)
    with pytest.raises(InputError, match="the curve ends at 4"):
        ci.survival_curve([1, 4], [1, 0]).restricted_mean(5)


def test_segments_are_curves_of_their_own():
    segment = np.where(np.arange(30) % 3 == 0, "a", "b")
    curves = ci.survival_by_segment(DURATION, EVENT, segment, entry=ENTRY, sample_weight=np.ones(30))
    assert list(curves) == ["a", "b"]
    alone = ci.survival_curve(
        np.array(DURATION)[segment == "a"],
        np.array(EVENT)[segment == "a"],
        entry=np.array(ENTRY)[segment == "a"],
    )
    assert np.array_equal(curves["a"].survival, alone.survival)
    assert list(alone.to_frame()) == list(alone.to_frame("pandas"))
    with pytest.raises(InputError, match="segment must not be missing"):
        ci.survival_by_segment([1, 2], [1, 0], ["a", None])
    with pytest.raises(InputError, match="segment has 1 values, expected 2"):
        ci.survival_by_segment([1, 2], [1, 0], ["a"])


def test_an_early_end_is_named():
    with pytest.warns(DataWarning, match="everybody watched at 1 left"):
        curve = ci.survival_curve([1, 5, 6], [1, 1, 0], entry=[0, 2, 2])
    assert curve.survival.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "at least 1"),
        (([1, 2], [1]), "event has 1 values"),
        (([1, np.nan], [1, 0]), "duration must be finite"),
        (([1, -2], [1, 0]), "duration must be >= 0"),
        (([1, 2], [1, 2]), "event must be 0"),
        (([[1], [2]], [1, 0]), "one-dimensional"),
    ],
)
def test_wrong_durations(arguments, message):
    for function in (ci.survival_curve, lambda d, e: ci.concordance_index(d, e, [0.0] * 2)):
        with pytest.raises(InputError, match=message):
            function(*arguments)


def test_wrong_inputs():
    with pytest.raises(InputTypeError, match="duration must hold numbers"):
        ci.survival_curve(["long", "short"], [1, 0])
    with pytest.raises(InputError, match="entry must lie before duration"):
        ci.survival_curve([1, 2], [1, 0], entry=[0, 2])
    with pytest.raises(InputError, match="sample_weight is 0 for all"):
        ci.survival_curve([1, 2], [1, 0], sample_weight=[0, 0])
    with pytest.raises(InputError, match="level"):
        ci.survival_curve([1, 2], [1, 0], level=1.0)
    with pytest.raises(InputError, match="no pair"):
        ci.concordance_index([1, 2], [0, 0], [0.1, 0.2])
    with pytest.raises(InputError, match="no customer is watched beyond 2"):
        ci.concordance_ipcw([1, 2, 2.5], [1, 1, 0], [0.1, 0.2, 0.3], train=([1, 2], [1, 0]))
    with pytest.raises(InputError, match="a pair"):
        ci.concordance_ipcw([1, 2], [1, 1], [0.1, 0.2], train=[1, 2])
    with pytest.raises(InputError, match="shape"):
        ci.survival_brier_score([1, 2], [1, 0], [[0.5], [0.5]], [1, 1.5])
    with pytest.raises(InputError, match="chances from 0 to 1"):
        ci.survival_brier_score([1, 2], [1, 0], [[0.5], [1.5]], [1])
    with pytest.raises(InputError, match="times must rise"):
        ci.survival_brier_score([1, 2], [1, 0], np.full((2, 2), 0.5), [1, 1])
    with pytest.raises(InputError, match="below the longest time"):
        ci.survival_brier_score([1, 2], [1, 0], [[0.5], [0.5]], [2])
    with pytest.raises(InputError, match="at least 2"):
        ci.integrated_brier_score([1, 2], [1, 0], [[0.5], [0.5]], [1])


def test_read_only_and_strided_inputs():
    table = np.column_stack([DURATION, EVENT, RISK]).astype(float)
    table.flags.writeable = False
    c = ci.concordance_index(table[:, 0], table[:, 1], table[:, 2])
    assert c == ci.concordance_index(DURATION, EVENT, RISK)
    assert ci.survival_curve(table[::-1, 0], table[::-1, 1]).survival == pytest.approx(SURVIVAL)
