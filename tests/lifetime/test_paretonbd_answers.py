"""Properties every answer of a Pareto/NBD and an NBD must have, and answers against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmintel import NBD, ParetoNBD

SOME = st.floats(0.05, 20.0)
MODELS = st.one_of(
    st.builds(
        lambda r, alpha, s, beta: ParetoNBD.from_params(r=r, alpha=alpha, s=s, beta=beta, unit="week"),
        *(SOME for _ in range(4)),
    ),
    st.builds(lambda r, alpha: NBD.from_params(r=r, alpha=alpha, unit="week"), SOME, SOME),
)
CDNOW = ParetoNBD.from_params(r=0.553, alpha=10.578, s=0.606, beta=11.669, unit="week", horizon="39W")
TIMES = st.floats(0.01, 200.0)


@given(model=MODELS, x=st.integers(1, 60), T=st.floats(2.0, 100.0))
@settings(max_examples=40, deadline=None)
def test_the_more_recent_the_last_purchase_the_likelier_alive(model, x, T):
    alive = model.probability_alive([[x, share * T, T] for share in (0.01, 0.3, 0.7, 1.0)])
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (np.diff(alive) >= -1e-13).all()
    assert alive[-1] == 1.0


@given(model=MODELS, x=st.integers(0, 60), T=st.floats(2.0, 100.0), t=TIMES)
@settings(max_examples=40, deadline=None)
def test_expectations_start_at_zero_and_grow_ever_slower(model, x, T, t):
    row = [[x, 0.8 * T if x else 0.0, T]]
    e = [model.expected_purchases(row, share * t)[0] for share in (0.0, 0.5, 1.0)]
    assert e[0] == 0.0
    assert 0.0 <= e[1] <= e[2] * (1 + 1e-12)
    assert e[2] - e[1] <= e[1] * (1 + 1e-12)


@given(model=MODELS, x=st.integers(0, 20), t=st.floats(0.1, 30.0))
@settings(max_examples=25, deadline=None)
def test_the_pmf_sums_to_one_and_has_the_expectation_as_mean(model, x, t):
    row, n = [[x, 15.0 if x else 0.0, 20.0]], np.arange(1500)
    pmf = model.purchase_count_pmf(row, t, n)[0]
    assert (pmf >= 0).all()
    if pmf[-1] < 1e-14:
        assert pmf.sum() == pytest.approx(1.0, abs=1e-10)
        assert pmf @ n == pytest.approx(model.expected_purchases(row, t)[0], rel=1e-8, abs=1e-10)
    assert pmf[0] == pytest.approx(model.probability_no_purchase(row, t)[0], abs=1e-13)


@given(model=MODELS, x=st.integers(0, 20), q=st.floats(0.0, 0.95))
@settings(max_examples=60, deadline=None)
def test_the_quantile_is_where_waiting_ends(model, x, q):
    row = [[x, 15.0 if x else 0.0, 20.0]]
    t = float(model.next_purchase_quantile(row, q)[0])
    if np.isinf(t):  # who leaves first never buys again
        assert 1.0 - model.probability_no_purchase(row, 1e100)[0] <= q + 1e-12
    elif t < 1e12:
        assert 1.0 - model.probability_no_purchase(row, t)[0] == pytest.approx(q, abs=1e-11)


@pytest.mark.parametrize("share", [1e-9, 0.3, 0.6, 0.9, 0.999999])
def test_quantiles_near_the_last_that_is_reached(share):
    rows = [[0, 0, 30.0], [2, 20.0, 30.0], [26, 30.857, 31.0], [900, 3.0, 3.1]]
    for row in rows:
        ever = 1.0 - CDNOW.probability_no_purchase([row], 1e100)[0]
        t = float(CDNOW.next_purchase_quantile([row], share * ever)[0])
        assert 1.0 - CDNOW.probability_no_purchase([row], t)[0] == pytest.approx(share * ever, rel=1e-6)
        assert np.isinf(CDNOW.next_purchase_quantile([row], 1.0 - 0.999 * (1.0 - ever)))[0]


@given(model=MODELS, x=st.integers(0, 40), t=TIMES, level=st.floats(0.05, 0.99))
@settings(max_examples=25, deadline=None)
def test_intervals_are_the_quantiles_of_the_pmf(model, x, t, level):
    row = [[x, 15.0 if x else 0.0, 20.0]]
    low, high = model.predict_interval(row, t, level)[0]
    if high > 2000:
        return
    below = np.cumsum(model.purchase_count_pmf(row, t, np.arange(high + 2))[0])
    for count, tail in ((low, (1 - level) / 2), (high, (1 + level) / 2)):
        assert below[int(count)] >= tail - 1e-9
        assert count == 0 or below[int(count) - 1] < tail + 1e-9


@given(model=MODELS, factor=st.floats(1e-3, 1e3), x=st.integers(0, 30), t=TIMES)
@settings(max_examples=25, deadline=None)
def test_the_unit_of_time_does_not_matter(model, factor, x, t):
    scaled = {n: v * factor if n in ("alpha", "beta") else v for n, v in model.params_.items()}
    other = type(model).from_params(**scaled)
    row = np.array([[x, 15.0 if x else 0.0, 20.0]])
    moved = row * [1, factor, factor]
    assert other.log_likelihood(moved) == pytest.approx(
        model.log_likelihood(row) - x * np.log(factor), rel=1e-9, abs=1e-9
    )
    assert other.expected_purchases(moved, t * factor) == pytest.approx(
        model.expected_purchases(row, t), rel=1e-10
    )
    assert other.purchase_count_pmf(moved, t * factor, [0, 3]) == pytest.approx(
        model.purchase_count_pmf(row, t, [0, 3]), rel=1e-9
    )


@given(model=MODELS, rate=st.floats(0.001, 0.5))
@settings(max_examples=20, deadline=None)
def test_discounting_is_the_limit_of_finite_sums(model, rate):
    times = np.linspace(0.0, 60.0 / rate, 401)
    e = np.array([model.expected_purchases(None, t) for t in times])
    low, high = (np.diff(e) @ np.exp(-rate * side) for side in (times[1:], times[:-1]))
    discounted = model.discounted_expected_transactions(None, rate)
    assert low * (1 - 1e-9) <= discounted <= high * (1 + 1e-9)


def test_answers_do_not_depend_on_the_other_rows():
    rows = [[0, 0, 0], [2, 30.43, 38.86], [5, 3000, 4000], [1000, 10, 11]]
    for ask in (
        lambda X: CDNOW.discounted_expected_transactions(X, 0.01),
        lambda X: CDNOW.next_purchase_quantile(X, 0.2),
        lambda X: CDNOW.purchase_count_pmf(X, 10, 3),
        CDNOW.log_likelihood,
    ):
        assert ask(rows) == pytest.approx([ask([row])[0] for row in rows], rel=1e-12)


def test_a_new_customer_is_an_empty_history():
    assert isinstance(CDNOW.expected_purchases(None, 39), float)
    assert CDNOW.expected_purchases(None, 39) == CDNOW.expected_purchases([[0, 0, 0]], 39)[0]
    assert CDNOW.probability_alive(None) == 1.0
    assert CDNOW.purchase_count_pmf(None, 39, [0, 1, 2]).shape == (3,)
    assert isinstance(CDNOW.purchase_count_pmf(None, 39, 1), float)
    assert CDNOW.predict_interval(None, 39).shape == (2,)
    rows = [[0, 0, 10], [2, 5, 10]]
    assert CDNOW.purchase_count_pmf(rows, 4, 2).shape == (2,)
    assert CDNOW.purchase_count_pmf(rows, 4, [2]).shape == (2, 1)
    assert CDNOW.expected_purchases(rows, "273D") == pytest.approx(CDNOW.predict(rows), rel=1e-15)


@pytest.mark.parametrize(
    "params",
    [
        {"r": 1e-12, "alpha": 1.0, "s": 1e-12, "beta": 1.0},
        {"r": 1e5, "alpha": 1e5, "s": 1e5, "beta": 1e5},
        {"r": 1e-300, "alpha": 1e300, "s": 1e-300, "beta": 1e300},
        {"r": 1e6, "alpha": 1e6, "s": 1e-6, "beta": 1e-6},
        {"r": 1.0, "alpha": 1e-10, "s": 1.0, "beta": 1e-10},
        {"r": 1.0, "alpha": 1e10, "s": 1.0, "beta": 1e-10},
    ],
)
def test_nothing_is_nan_at_absurd_parameters(params):
    model = ParetoNBD.from_params(**params)
    rows = [[0, 0, 0], [0, 0, 30.0], [3, 10, 30.0], [3, 30, 30.0], [400, 1.0, 30]]
    for answer in (
        model.log_likelihood(rows),
        model.transform(rows),
        model.probability_alive(rows, 5),
        model.purchase_count_pmf(rows, 10, [0, 1, 5]),
        model.probability_no_purchase(rows, 10),
        model.discounted_expected_transactions(rows, 0.1),
        model.predict_interval(rows, 10),
    ):
        assert np.isfinite(answer).all()
    assert not np.isnan(model.next_purchase_quantile(rows, 0.3)).any()


def test_future_of_simulated_customers_is_what_was_promised():
    model = ParetoNBD.from_params(r=0.6, alpha=5.0, s=0.9, beta=20.0)
    rng, n = np.random.default_rng(0), 40_000
    rate, stay = rng.gamma(0.6, 1 / 5.0, n), rng.exponential(size=n) / rng.gamma(0.9, 1 / 20.0, n)
    x, t_x, later, clock = (np.zeros(n) for _ in range(4))
    active = np.arange(n)
    while active.size:
        clock[active] += rng.exponential(size=active.size) / rate[active]
        active = active[clock[active] <= np.minimum(stay[active], 60.0)]
        early = active[clock[active] <= 40.0]
        x[early] += 1
        t_x[early] = clock[early]
        later[active[clock[active] > 40.0]] += 1
    rows = np.column_stack([x, t_x, np.full(n, 40.0)])
    drawn = np.asarray(model.sample(n, 40.0, random_state=1))
    for k in range(3):
        assert abs((drawn[:, 0] == k).mean() - (x == k).mean()) < 4 * 0.5 * np.sqrt(2 / n)
        assert abs((x == k).mean() - model.purchase_count_pmf(None, 40, k)) < 4 * 0.5 / np.sqrt(n)
    assert drawn[:, 1].mean() == pytest.approx(t_x.mean(), abs=4 * t_x.std() * np.sqrt(2 / n))
    for group in (x == 0, x == 1, (x > 1) & (x < 5), x >= 5):
        here, error = rows[group], 4 / np.sqrt(group.sum())
        assert (
            abs(later[group].mean() - model.expected_purchases(here, 20).mean()) < error * later[group].std()
        )
        assert abs((stay[group] > 40).mean() - model.probability_alive(here).mean()) < error * 0.5
        assert abs((stay[group] > 60).mean() - model.probability_alive(here, 20).mean()) < error * 0.5
        for count in (0, 1):
            chance = model.purchase_count_pmf(here, 20, count).mean()
            assert abs((later[group] == count).mean() - chance) < error * 0.5
    some = rows[:4000]
    inside = model.predict_interval(some, 20, level=0.9)
    held = (later[:4000] >= inside[:, 0]) & (later[:4000] <= inside[:, 1])
    assert 0.9 <= held.mean() <= 0.99


def test_intervals_widen_with_the_level_and_with_few_customers():
    truth = ParetoNBD.from_params(r=0.6, alpha=5.0, s=0.9, beta=20.0)
    rows = np.asarray(truth.sample(300, T=40.0, random_state=1))
    fitted = ParetoNBD().fit(rows)
    known = ParetoNBD.from_params(**fitted.params_)
    width = [np.ptp(fitted.predict_interval(rows, 30, level), axis=1).mean() for level in (0.5, 0.8, 0.95)]
    assert width[0] < width[1] < width[2]
    wider = np.ptp(fitted.predict_interval(rows, 30), axis=1).mean()
    assert wider >= np.ptp(known.predict_interval(rows, 30), axis=1).mean()
