"""The spend model: derivatives, recovery, ignored customers, infinite means, wrong input."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from crmintel import GammaGamma
from crmintel.exceptions import DataWarning, FitWarning, InputError
from crmintel.lifetime._gammagamma_likelihood import SpendLikelihood
from tests.oracles import btyd

TRUTH = {"p": 6.25, "q": 3.74, "v": 15.44}


def draw(n, seed, p=6.25, q=3.74, v=15.44):
    rng = np.random.default_rng(seed)
    x = rng.poisson(2.0, n).astype(float)
    rate = rng.gamma(q, 1 / v, n)
    mean = rng.gamma(p * np.maximum(x, 1)) / (rate * np.maximum(x, 1))
    return np.column_stack([x, mean * (x > 0)])


def test_gradient_and_hessian_match_differences():
    x, m = draw(2000, 0).T
    weights = np.random.default_rng(1).uniform(0, 2, 2000)
    likelihood = SpendLikelihood(x[x > 0], m[x > 0], weights[x > 0])
    theta = np.log([3.0, 2.0, 10.0])
    _, gradient, hessian = likelihood(theta)
    steps = 1e-5 * np.eye(3)
    values = [(likelihood(theta + e)[0] - likelihood(theta - e)[0]) / 2e-5 for e in steps]
    slopes = [(likelihood(theta + e)[1] - likelihood(theta - e)[1]) / 2e-5 for e in steps]
    assert gradient == pytest.approx(values, abs=1e-8)
    assert hessian == pytest.approx(np.array(slopes), abs=1e-8)


@pytest.mark.parametrize("row", [(1, 22.35), (2, 22.35), (40, 3.5), (999, 1e4)])
@pytest.mark.parametrize("params", [(6.25, 3.74, 15.44), (0.1, 0.5, 1000.0), (200.0, 90.0, 3.0)])
def test_log_likelihood_at_40_digits(row, params):
    model = GammaGamma.from_params(**dict(zip("pqv", params, strict=True)))
    truth = float(btyd.gammagamma_log_likelihood(params, *row))
    assert model.log_likelihood([row])[0] == pytest.approx(truth, rel=1e-11)


def test_the_two_oracles_agree():
    closed = btyd.gammagamma_log_likelihood((6.25, 3.74, 15.44), 2, 22.35)
    integral = btyd.gammagamma_log_likelihood_by_integral((6.25, 3.74, 15.44), 2, 22.35)
    assert float(closed - integral) == pytest.approx(0, abs=1e-12)


def test_parameters_are_recovered():
    model = GammaGamma().fit(draw(60_000, 2))
    errors = np.sqrt(np.diag(model.covariance_))
    for name, error in zip(TRUTH, errors, strict=True):
        assert abs(model.params_[name] - TRUTH[name]) < 4 * error
    assert model.converged_
    assert abs(model.correlation_) < 0.03
    assert model.correlation_pvalue_ > 1e-3


def test_weights_are_repeated_rows():
    X = draw(3000, 3)
    counts = np.random.default_rng(4).integers(0, 3, 3000)
    weighted, repeated = (
        GammaGamma().fit(X, sample_weight=counts),
        GammaGamma().fit(np.repeat(X, counts, axis=0)),
    )
    assert weighted.params_ == pytest.approx(repeated.params_, rel=1e-8)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-12)
    assert weighted.correlation_ == pytest.approx(repeated.correlation_, rel=1e-9)
    assert weighted.correlation_pvalue_ == pytest.approx(repeated.correlation_pvalue_, rel=1e-6)


def test_a_large_fit_started_from_a_sample_ends_at_the_same_optimum(monkeypatch):
    import crmintel.lifetime._gammagamma_likelihood as module

    X = draw(20_000, 5)
    direct = GammaGamma().fit(X)
    monkeypatch.setattr(module, "_SAMPLE", 2_000)
    assert GammaGamma().fit(X).params_ == pytest.approx(direct.params_, rel=1e-7)


def test_currency_changes_v_and_nothing_else():
    X = draw(3000, 6)
    base, cents = GammaGamma().fit(X), GammaGamma().fit(X * [1, 100.0])
    assert [cents.p_, cents.q_, cents.v_ / 100] == pytest.approx(list(base.params_.values()), rel=1e-8)
    assert cents.predict(X * [1, 100.0]) == pytest.approx(100 * base.predict(X), rel=1e-8)


def test_customers_without_positive_spend_are_counted_and_left_out():
    X = draw(3000, 7)
    more = np.vstack([X, [[2, -5.0], [1, 0.0], [0, 0.0]]])
    with pytest.warns(DataWarning, match="leaves out 2 of .* repeat buyers"):
        model = GammaGamma().fit(more)
    assert model.n_ignored_ == 2
    assert model.params_ == pytest.approx(GammaGamma().fit(X).params_, rel=1e-9)
    spend = model.predict(more)
    assert (spend > 0).all()
    assert spend[-3] == model.predict([[2, 0.0]])[0]
    assert spend[-1] == pytest.approx(model.population_mean_)
    assert model.log_likelihood([[2, -5.0], [0, 0.0]]).tolist() == [-np.inf, 0.0]


def test_shrinkage_lies_between_the_customer_and_the_population():
    model = GammaGamma.from_params(**TRUTH)
    few, many = model.predict([[1, 100.0], [50, 100.0]])
    assert model.population_mean_ < few < many < 100.0


def test_an_infinite_mean_is_told_and_never_negative():
    X = draw(4000, 8, p=6.0, q=0.7, v=15.0)
    with pytest.warns(FitWarning, match="mean over customers is infinite"):
        model = GammaGamma().fit(X)
    assert model.population_mean_ == np.inf
    spend = model.predict([[0, 0.0], [1, 10.0]])
    assert spend[0] == np.inf
    assert 0 < spend[1] < np.inf


def test_customers_who_spend_alike_are_told():
    rng = np.random.default_rng(1)
    x = rng.integers(1, 6, 400).astype(float)
    with pytest.warns(FitWarning, match="hardly"):
        model = GammaGamma().fit(np.column_stack([x, rng.gamma(5.0 * x) / x]))
    assert model.predict([[3, 5.0]])[0] == pytest.approx(5.0, rel=0.1)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1, np.nan], [2, 3.0]], "monetary_value must be finite.*row 0"),
        ([[-1, 2.0], [2, 3.0]], "frequency must be >= 0.*row 0"),
        ([[1.5, 2.0], [2, 3.0]], "frequency must hold whole numbers.*row 0"),
        ([[0, 0.0], [0, 0.0]], "X has 0 repeat buyers"),
        ([[1, 2.0]], "X has 1 repeat buyers"),
        ([[1, 2.0], [3, 2.0]], "1 distinct; at least 2"),
    ],
)
def test_wrong_inputs(X, message):
    with pytest.raises(InputError, match=message):
        GammaGamma().fit(X)


def test_wrong_parameters():
    with pytest.raises(InputError, match="max_iter"):
        GammaGamma(max_iter=0).fit(draw(100, 0))
    with pytest.raises(InputError, match="tol must be > 0"):
        GammaGamma(tol=2.0).fit(draw(100, 0))
    with pytest.raises(InputError, match="q must be > 0"):
        GammaGamma.from_params(p=1.0, q=0.0, v=1.0)
    with pytest.raises(InputError, match="nothing to score"):
        GammaGamma.from_params(**TRUTH).score([[0, 0.0]])
    assert clone(GammaGamma(tol=1e-6)).tol == 1e-6
