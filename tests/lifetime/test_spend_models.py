"""The spend models beside Gamma-Gamma: oracles, derivatives, recovery from single purchases, limits, wrong input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from sklearn.base import clone

from crmintel import CorrelatedSpend, GammaGamma, LogNormalSpend
from crmintel.exceptions import DataWarning, FitWarning, InputError, InputTypeError
from crmintel.lifetime._gammagamma_likelihood import SpendLikelihood
from crmintel.lifetime._lognormal_likelihood import LogNormalLikelihood
from tests.oracles import spend as oracle

LOGNORMAL = {"mu": 3.4, "sigma": 0.5, "cv": 0.6}
CORRELATED = {"p": 6.0, "q": 4.0, "v": 15.0, "slope": 0.3}
MODELS = {LogNormalSpend: LOGNORMAL, CorrelatedSpend: CORRELATED}


def frequencies(n, rng):
    return rng.negative_binomial(1, 0.25, n).astype(float)


def mean_of(draws, x):
    """Mean of each customer's x purchases; draws(customers) makes one purchase of each."""
    customers = np.repeat(np.arange(x.size), x.astype(int))
    return np.bincount(customers, draws(customers), x.size) / np.maximum(x, 1)


def draw(model, n, seed, **changes):
    """Customers whose single purchases follow the model's story, and their true mean spend."""
    rng = np.random.default_rng(seed)
    x = frequencies(n, rng)
    params = {**MODELS[model], **changes}
    if model is LogNormalSpend:
        truth = np.exp(params["mu"] + params["sigma"] * rng.normal(size=n))
        s2 = np.log1p(params["cv"] ** 2)

        def single(who):
            return truth[who] * np.exp(np.sqrt(s2) * rng.normal(size=who.size) - s2 / 2)
    else:
        rate = rng.gamma(params["q"], 1 / (params["v"] * ((1 + np.maximum(x, 1)) / 2) ** params["slope"]))
        truth = params["p"] / rate

        def single(who):
            return rng.gamma(params["p"], 1 / rate[who])

    return np.column_stack([x, mean_of(single, x)]), truth


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: model.__name__)
def fitted(request):
    X, truth = draw(request.param, 30_000, 0)
    return request.param().fit(X), X, truth


def test_parameters_are_recovered(fitted):
    model, X, _ = fitted
    errors = np.sqrt(np.diag(model.covariance_))
    assert model.converged_
    for (name, truth), error in zip(MODELS[type(model)].items(), errors, strict=True):
        # the mean of log-normal purchases is log-normal in its first moments only
        room = 0.03 if isinstance(model, LogNormalSpend) else 0.0
        assert abs(model.params_[name] - truth) < 4 * error + room, name
    assert model.n_used_ == np.count_nonzero(X[:, 0] > 0)


def test_predictions_are_unbiased_and_better_than_the_own_mean(fitted):
    model, X, truth = fitted
    predicted = model.predict(X)
    for low, high in ((0, 0), (1, 1), (2, 4), (5, 100)):
        who = (X[:, 0] >= low) & (X[:, 0] <= high)
        assert predicted[who].mean() == pytest.approx(truth[who].mean(), rel=0.04)
    seen = X[:, 0] > 0
    assert np.mean((predicted - truth)[seen] ** 2) < np.mean((X[:, 1] - truth)[seen] ** 2)


def test_the_distribution_of_mean_spend_fits(fitted):
    model, X, _ = fitted
    seen = X[:, 0] > 0
    assert kstest(model._distribution(*X[seen].T.copy()), "uniform").statistic < 0.015


@pytest.mark.parametrize("row", [(1, 22.35), (2, 3.5), (40, 95.0)])
@pytest.mark.parametrize(
    ("model", "params"),
    [
        (LogNormalSpend, (3.4, 0.5, 0.6)),
        (LogNormalSpend, (-2.0, 1.3, 2.5)),
        (CorrelatedSpend, (6.0, 4.0, 15.0, 0.3)),
        (CorrelatedSpend, (0.5, 1.5, 100.0, -0.4)),
    ],
)
def test_density_and_expectation_by_quadrature(model, params, row):
    log_density, mean = (oracle.lognormal if model is LogNormalSpend else oracle.correlated)(params, *row)
    ready = model.from_params(**dict(zip(MODELS[model], params, strict=True)))
    assert ready.log_likelihood([row])[0] == pytest.approx(float(log_density), rel=1e-11)
    assert ready.predict([row])[0] == pytest.approx(float(mean), rel=1e-11)


@pytest.mark.parametrize("model", MODELS)
def test_the_distribution_is_the_integral_of_the_density(model):
    ready = model.from_params(**MODELS[model])
    m = np.linspace(20.0, 21.0, 2001)
    x = np.full(m.size, 3.0)
    mass = np.trapezoid(np.exp(ready._log_density(x, m)), m)
    low, high = ready._distribution(x[:2], m[[0, -1]])
    assert high - low == pytest.approx(mass, rel=1e-6)


def test_gradient_and_hessian_match_differences():
    X, _ = draw(CorrelatedSpend, 3000, 1)
    x, m = X[X[:, 0] > 0].T
    weights = np.random.default_rng(2).uniform(0, 2, x.size)
    correlated = SpendLikelihood(x, m, weights, correlated=True), np.log([3.0, 2.0, 10.0, 1.2])
    lognormal = LogNormalLikelihood(x, m, weights), np.array([0.1, -0.4, -0.3])
    for likelihood, theta in (correlated, lognormal):
        _, gradient, hessian = likelihood(theta)
        steps = 1e-5 * np.eye(theta.size)
        values = [(likelihood(theta + e)[0] - likelihood(theta - e)[0]) / 2e-5 for e in steps]
        slopes = [(likelihood(theta + e)[1] - likelihood(theta - e)[1]) / 2e-5 for e in steps]
        assert gradient == pytest.approx(np.array(values), abs=1e-8)
        assert hessian == pytest.approx(np.array(slopes), abs=1e-8)


def test_without_a_slope_it_is_gamma_gamma():
    rows = np.array([[3, 20.0], [0, 0.0], [9, 1.5]])
    plain = GammaGamma.from_params(p=6.0, q=4.0, v=15.0)
    same = CorrelatedSpend.from_params(p=6.0, q=4.0, v=15.0, slope=0.0)
    assert same.predict(rows) == pytest.approx(plain.predict(rows), rel=1e-14)
    assert same.log_likelihood(rows) == pytest.approx(plain.log_likelihood(rows), rel=1e-14)
    assert same.population_mean_ == plain.population_mean_


def test_the_bond_of_spend_and_frequency_is_seen():
    X, truth = draw(CorrelatedSpend, 8000, 3)
    plain, bound = GammaGamma().fit(X), CorrelatedSpend().fit(X)
    assert bound.aic_ < plain.aic_ - 100
    new = X[:, 0] == 0
    assert abs(np.log(plain.population_mean_ / truth[new].mean())) > 0.2
    assert abs(np.log(bound.population_mean_ / truth[new].mean())) < 0.1
    assert bound.population_mean_ == pytest.approx(
        bound.p_ * bound.v_ / (bound.q_ - 1.0)
    )  # as of one repeat purchase
    independent, _ = draw(CorrelatedSpend, 8000, 4, slope=0.0)
    assert abs(CorrelatedSpend().fit(independent).slope_) < 0.05


@pytest.mark.parametrize("model", MODELS)
def test_weights_are_repeated_rows(model):
    X, _ = draw(model, 3000, 5)
    counts = np.random.default_rng(4).integers(0, 3, 3000)
    weighted = model().fit(X, sample_weight=counts)
    repeated = model().fit(np.repeat(X, counts, axis=0))
    assert weighted.params_ == pytest.approx(repeated.params_, rel=1e-7)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-12)
    assert weighted.score(X, sample_weight=counts) == pytest.approx(
        repeated.score(np.repeat(X, counts, axis=0))
    )


@pytest.mark.parametrize("model", MODELS)
def test_currency_changes_the_scale_and_nothing_else(model):
    X, _ = draw(model, 3000, 6)
    cents = X * [1, 100.0]
    base, scaled = model().fit(X), model().fit(cents)
    assert scaled.predict(cents) == pytest.approx(100 * base.predict(X), rel=1e-7)
    assert scaled.aic_ - base.aic_ == pytest.approx(2 * base.n_used_ * np.log(100.0), rel=1e-9)


def test_a_large_correlated_fit_starts_from_a_sample(monkeypatch):
    import crmintel.lifetime._gammagamma_likelihood as module

    X, _ = draw(CorrelatedSpend, 20_000, 7)
    direct = CorrelatedSpend().fit(X)
    monkeypatch.setattr(module, "_SAMPLE", 1_000)
    assert CorrelatedSpend().fit(X).params_ == pytest.approx(direct.params_, rel=1e-7)


@given(
    mu=st.floats(-5, 10),
    sigma=st.floats(0.01, 3),
    cv=st.floats(0.01, 5),
    x=st.integers(0, 10**6),
    m=st.floats(0, 1e6),
)
@settings(max_examples=200, deadline=None)
def test_log_normal_predictions_are_finite_and_grow_with_spend(mu, sigma, cv, x, m):
    model = LogNormalSpend.from_params(mu=mu, sigma=sigma, cv=cv)
    less, more = model.predict([[x, m], [x, 1.1 * m + 1.0]])
    assert 0 <= less <= more < np.inf
    if x == 0:
        assert less == more == model.population_mean_


@pytest.mark.parametrize("model", MODELS)
def test_customers_without_positive_spend_are_counted_and_left_out(model):
    X, _ = draw(model, 2000, 8)
    more = np.vstack([X, [[2, -5.0], [1, 0.0], [0, 0.0]]])
    with pytest.warns(DataWarning, match=f"{model.__name__} leaves out 2 of .* repeat buyers"):
        fit = model().fit(more)
    assert fit.n_ignored_ == 2
    spend = fit.predict(more)
    assert (spend >= 0).all()
    assert spend[-3] == fit.predict([[2, 0.0]])[0]
    assert spend[-1] == fit.population_mean_
    assert fit.log_likelihood([[2, -5.0], [0, 0.0]]).tolist() == [-np.inf, 0.0]


def test_what_one_frequency_cannot_tell():
    m = np.random.default_rng(0).lognormal(3.0, 0.5, 300)
    with pytest.warns(FitWarning, match="same frequency.*the split is a guess"):
        model = LogNormalSpend().fit(np.column_stack([np.ones(300), m]))
    assert model.log_likelihood_ == pytest.approx(
        np.sum(-((np.log(m) - np.log(m).mean()) ** 2) / np.var(np.log(m)) / 2 - np.log(m))
        - 150 * np.log(2 * np.pi * np.var(np.log(m)))
    )
    assert np.isfinite(model.predict([[1, 20.0], [0, 0.0]])).all()


def test_limits_are_told():
    rng = np.random.default_rng(1)
    x = rng.integers(1, 9, 600).astype(float)
    alike = mean_of(lambda who: rng.lognormal(3.0, 0.8, who.size), x)
    with pytest.warns(FitWarning, match="customers hardly differ"):
        LogNormalSpend().fit(np.column_stack([x, alike]))
    with pytest.warns(FitWarning, match="purchases of each customer hardly differ"):
        model = LogNormalSpend().fit(np.column_stack([x, rng.lognormal(3.0, 0.8, 600)]))
    assert model.predict([[1, 5.0]])[0] == pytest.approx(5.0, rel=0.01)


def test_infinite_means_are_those_of_gamma_gamma_only():
    X, _ = draw(CorrelatedSpend, 4000, 9, q=0.7)
    with pytest.warns(FitWarning, match="or take LogNormalSpend"):
        assert CorrelatedSpend().fit(X).population_mean_ == np.inf
    assert LogNormalSpend().fit(X).population_mean_ < np.inf


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([[1, np.nan], [2, 3.0]], InputError, "monetary_value must be finite.*row 0"),
        ([[-1, 2.0], [2, 3.0]], InputError, "frequency must be >= 0.*row 0"),
        ([[1.5, 2.0], [2, 3.0]], InputError, "frequency must hold whole numbers.*row 0"),
        ([[0, 0.0], [0, 0.0]], InputError, "X has 0 repeat buyers"),
        ([[1, 2.0], [3, 2.0]], InputError, "1 distinct; at least 2"),
        ([["a", "b"]], InputTypeError, "X must hold numbers"),
        ([1.0, 2.0], InputError, "X must be two-dimensional"),
    ],
)
def test_wrong_inputs(model, X, error, message):
    with pytest.raises(error, match=message):
        model().fit(X)


@pytest.mark.parametrize("model", MODELS)
def test_wrong_parameters(model):
    X, _ = draw(model, 100, 0)
    with pytest.raises(InputError, match="max_iter"):
        model(max_iter=0).fit(X)
    with pytest.raises(InputError, match="tol must be > 0"):
        model(tol=2.0).fit(X)
    for name in ("sigma", "cv") if model is LogNormalSpend else ("p", "q", "v"):
        with pytest.raises(InputError, match=f"{name} must be > 0"):
            model.from_params(**{**MODELS[model], name: 0.0})
    for strange in ({name: 1.0}, {**MODELS[model], "w": 1.0}, {}):
        with pytest.raises(InputError, match="needs exactly the parameters"):
            model.from_params(**strange)
    with pytest.raises(InputError, match="nothing to score"):
        model.from_params(**MODELS[model]).score([[0, 0.0]])


@pytest.mark.parametrize("model", MODELS)
def test_pickle_and_clone(model):
    X, _ = draw(model, 500, 0)
    fit = model(tol=1e-8).fit(X)
    assert np.array_equal(pickle.loads(pickle.dumps(fit)).predict(X), fit.predict(X))
    assert clone(fit).tol == 1e-8


@pytest.mark.parametrize("model", [GammaGamma, LogNormalSpend, CorrelatedSpend])
def test_money_and_counts_beyond_all_numbers_are_refused(model):
    with pytest.raises(InputError, match="frequency must be <= 1,000,000"):
        model().fit([[1e300, 30.0], [1, 20.0], [2, 5.0]])
    with pytest.raises(InputError, match=r"monetary_value must be <= 1e\+100"):
        model().fit([[3, 1e300], [1, 1e290], [2, 5.0]])
