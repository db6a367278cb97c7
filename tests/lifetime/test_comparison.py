"""Which model fits, or none: likelihoods, histograms, regularity, cohorts, spend, verdicts, wrong input."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import chisquare, kstest

import crmintel as ci
from crmintel.datasets import make_transactions
from crmintel.exceptions import InputError, InputTypeError
from crmintel.features.rows import CustomerRows
from crmintel.lifetime._frequency_fit import ages, frequency_fit
from crmintel.lifetime._regularity import _expected_log_shares, regularity
from tests.oracles import comparison as oracle

BGNBD = {"r": 0.6, "alpha": 6.0, "a": 0.8, "b": 2.5}


@pytest.fixture(scope="module")
def log():
    return make_transactions(1500, weeks=78, random_state=0)[0]


@pytest.fixture(scope="module")
def result(log):
    return ci.compare_models(log)


def sampled(model, n, T, seed, spend=None):
    """Rows of customers who follow a model; spend gives the mean spend of x purchases."""
    rng = np.random.default_rng(seed)
    rows = model.sample(n, T=T, random_state=rng)
    money = np.zeros(n) if spend is None else spend(rng, rows[:, 0])
    return CustomerRows(
        np.column_stack([rows, money]), ("frequency", "recency", "T", "monetary_value"), unit="week"
    )


# -- the models ------------------------------------------------------------------------------------------------


def test_the_right_model_is_recommended(result):
    assert (result.best, result.best_spend) == ("BetaGeoNBD", "GammaGamma")
    assert result.recommended
    assert result.verdict == "Use BetaGeoNBD with GammaGamma."
    assert result.models["misfit"][0] < 0.1
    assert result.cohorts.p_value > 0.01


def test_likelihoods_are_those_of_the_fits(result, log):
    for at, name in enumerate(result.models["model"]):
        rows = ci.CustomerSummary(unit="week", extra=("sum_log_gaps",)).fit_transform(log)
        model = getattr(ci, name)().fit(rows)
        assert result.models["log_likelihood"][at] == pytest.approx(model.log_likelihood_, rel=1e-9)
        free = {"NBD": 2, "BetaGeoCNBD": 5}.get(name, 4)
        assert result.models["parameters"][at] == free
        bic = free * np.log(len(rows)) - 2 * model.log_likelihood_
        assert result.models["bic"][at] == pytest.approx(bic, rel=1e-9)
        assert result.models["alive"][at] == pytest.approx(model.probability_alive(rows).mean(), rel=1e-9)
    assert result.models["nobody_leaves"].tolist() == [False, False, False, False, True]


def test_chi_square_by_hand():
    model = ci.BetaGeoNBD.from_params(**BGNBD)
    T = np.repeat([20.0, 35.0, 60.0], 300)
    x = np.asarray(model.sample(900, T=T, random_state=1))[:, 0]
    fit = frequency_fit(model, x, T, 4)
    expected = oracle.expected_histogram(model, T, int(x.max()))
    bounds = [*fit.first.tolist(), None]
    for at, (low, high) in enumerate(pairwise(bounds)):
        if high is not None:
            assert fit.expected[at] == pytest.approx(expected[low:high].sum(), rel=1e-9)
        assert fit.observed[at] == np.count_nonzero((x >= low) & (x < (high or np.inf)))
    assert fit.expected.sum() == pytest.approx(900)
    truth = chisquare(fit.observed, fit.expected * fit.observed.sum() / fit.expected.sum(), ddof=4)
    assert (fit.chi_square, fit.p_value) == pytest.approx((truth.statistic, truth.pvalue))
    assert fit.misfit == pytest.approx(np.sqrt(fit.chi_square / 900))
    assert fit.expected.min() >= 5


def test_chi_square_has_its_level_and_its_power():
    model = ci.BetaGeoNBD.from_params(**BGNBD)
    wrong = ci.BetaGeoNBD.from_params(**{**BGNBD, "r": 0.5})
    p_values = []
    for seed in range(200):
        x = np.asarray(model.sample(2000, T=50.0, random_state=seed))[:, 0]
        p_values.append(frequency_fit(model, x, np.full(2000, 50.0), 0).p_value)
    assert kstest(p_values, "uniform").pvalue > 1e-3
    assert frequency_fit(wrong, x, np.full(2000, 50.0), 0).p_value < 1e-3


def test_many_ages_are_stood_for_by_some():
    T = np.random.default_rng(0).uniform(0.0, 80.0, 5000)
    values, counts = ages(T)
    assert values.size <= 128
    assert counts.sum() == 5000
    model = ci.BetaGeoNBD.from_params(**BGNBD)
    x = np.asarray(model.sample(5000, T=T, random_state=0))[:, 0]
    fit = frequency_fit(model, x, T, 0)
    exact = oracle.expected_histogram(model, T, 3)
    assert fit.expected[:3] == pytest.approx(exact[:3], rel=1e-3)


def test_customers_of_age_zero_have_bought_once():
    model = ci.NBD.from_params(r=1.0, alpha=5.0)
    fit = frequency_fit(model, np.zeros(50), np.zeros(50), 0)
    assert fit.expected.tolist() == [50.0]
    assert np.isnan(fit.p_value)


# -- regularity ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0.4, 1.0, 2.5])
@pytest.mark.parametrize(("n", "total"), [(2, 2), (2, 9), (4, 9), (5, 12), (6, 6)])
def test_whole_gaps_by_hand(n, total, k):
    found = _expected_log_shares(np.array([float(n)]), np.array([total]), k)
    assert found[0] == pytest.approx(oracle.expected_log_shares(n, total, k), rel=1e-10)


@pytest.mark.parametrize("whole_days", [True, False])
@pytest.mark.parametrize("k", [0.5, 1.0, 2.0, 3.0])
def test_the_shape_of_gaps_is_recovered(k, whole_days):
    rng = np.random.default_rng(int(10 * k))
    x, t_x, log_gaps = oracle.gaps_at_random(1500, k, 0.08, 365, rng, whole_days=whole_days)
    found = regularity(x, t_x, log_gaps, "day")
    assert found.k == pytest.approx(k, rel=0.12 if k < 1 and whole_days else 0.05)
    assert found.low < found.k < found.high
    if k != 1.0:
        assert found.p_value < 1e-6


def test_the_unit_does_not_change_the_shape():
    x, t_x, log_gaps = oracle.gaps_at_random(500, 2.0, 0.05, 365, np.random.default_rng(0))
    days = regularity(x, t_x, log_gaps, "day")
    weeks = regularity(x, t_x / 7, log_gaps - x * np.log(7), "week")
    assert weeks.k == pytest.approx(days.k, rel=1e-6)


def test_the_test_of_regularity_has_its_level():
    p_values = [
        regularity(*oracle.gaps_at_random(50, 1.0, 0.1, 100, np.random.default_rng(seed)), "day").p_value
        for seed in range(100)
    ]
    assert kstest(p_values, "uniform").pvalue > 1e-3


def test_extremes_of_regularity_stay_numbers():
    clockwork = regularity(np.full(20, 5.0), np.full(20, 35.0), np.full(20, 5 * np.log(7.0)), "day")
    assert clockwork.k == 10.0
    assert np.isfinite([clockwork.low, clockwork.high]).all()
    assert regularity(np.ones(50), np.ones(50), np.zeros(50), "day") is None


# -- spend and cohorts -----------------------------------------------------------------------------------------


def heavy_spenders(rng, x):
    rate = rng.gamma(4.0, 1 / (15.0 * (1 + x) ** 0.3))
    return np.where(x > 0, rng.gamma(6.0 * np.maximum(x, 1)) / (rate * np.maximum(x, 1)), 0.0)


def test_spend_that_goes_with_frequency_is_told():
    model = ci.BetaGeoNBD.from_params(**BGNBD)
    rows = sampled(model, 4000, 60.0, 0, heavy_spenders)
    result = ci.compare_models(rows, [ci.BetaGeoNBD()], n_cohorts=1)
    assert result.best_spend == "CorrelatedSpend"
    assert result.independence["p_value"] < 1e-6
    assert result.independence["slope"] == pytest.approx(0.3, abs=0.06)
    blind = ci.compare_models(rows, [ci.BetaGeoNBD()], spend=[ci.GammaGamma(), ci.LogNormalSpend()])
    assert "p_value" not in blind.independence
    assert blind.independence["correlation"] > 0.05
    assert result.cohorts is None


def test_the_distance_of_spend_is_kolmogorovs(result, log):
    rows = np.asarray(ci.CustomerSummary(unit="week").fit_transform(log))
    used = (rows[:, 0] > 0) & (rows[:, 3] > 0)
    chances = result.fitted["GammaGamma"]._distribution(rows[used, 0], rows[used, 3])
    assert result.spend["distance"][0] == pytest.approx(kstest(chances, "uniform").statistic)


def test_cohorts_that_drift():
    old = sampled(ci.BetaGeoNBD.from_params(**BGNBD), 1500, 70.0, 1)
    new = sampled(ci.BetaGeoNBD.from_params(**{**BGNBD, "alpha": 20.0}), 1500, 35.0, 2)
    rows = CustomerRows(np.vstack([old, new]), old.columns, unit="week")
    result = ci.compare_models(rows, [ci.BetaGeoNBD()])
    assert len(result.cohorts.customers) == 2
    assert result.cohorts.oldest.tolist() == [70.0, 35.0]
    assert result.cohorts.ratio[0] > 1 > result.cohorts.ratio[1]
    assert result.cohorts.p_value < 1e-10
    pooled = ci.BetaGeoNBD().fit(rows)
    own = sum(ci.BetaGeoNBD().fit(part).log_likelihood_ for part in (old, new))
    assert result.cohorts.statistic == pytest.approx(2 * (own - pooled.log_likelihood_))
    assert result.cohorts.expected[0] == pytest.approx(pooled.expected_purchases(None, 70.0))
    assert "cohorts" in result.verdict


def test_small_cohorts_are_joined():
    rows = sampled(ci.BetaGeoNBD.from_params(**BGNBD), 250, np.linspace(30.0, 60.0, 250), 3)
    result = ci.compare_models(rows, [ci.BetaGeoNBD()], n_cohorts=10)
    assert len(result.cohorts.customers) == 2
    assert isinstance(result.cohorts.customers.sum(), float)


# -- verdicts --------------------------------------------------------------------------------------------------


def test_a_base_that_nobody_leaves():
    rows = sampled(ci.NBD.from_params(r=0.8, alpha=9.0), 3000, 40.0, 4)
    result = ci.compare_models(rows)
    assert not result.recommended
    assert result.verdict.startswith("Do not use these models here: no customer is seen to leave")
    assert ci.compare_models(rows, [ci.NBD()]).recommended


def test_regular_buyers_and_bursts():
    for k, words in ((3.0, "buy regularly"), (0.4, "buy in bursts")):
        columns = oracle.gaps_at_random(800, k, 0.03, 500, np.random.default_rng(0))
        rows = CustomerRows(
            np.column_stack([*columns[:2], np.full(800, 500.0), columns[2]]),
            ("frequency", "recency", "T", "sum_log_gaps"),
            unit="day",
        )
        result = ci.compare_models(rows, [ci.NBD()])
        assert words in " ".join(result.cautions)


def test_regular_buyers_have_their_model():
    columns = oracle.gaps_at_random(1500, 3.0, 0.03, 500, np.random.default_rng(0), whole_days=False)
    rows = CustomerRows(
        np.column_stack([*columns[:2], np.full(1500, 500.0), columns[2]]),
        ("frequency", "recency", "T", "sum_log_gaps"),
        unit="day",
    )
    result = ci.compare_models(rows, n_cohorts=1)
    assert result.best == "BetaGeoCNBD"
    assert result.fitted["BetaGeoCNBD"].k_ == 3
    assert not any("buy regularly" in caution for caution in result.cautions)


def test_whole_days_are_not_taken_for_regularity():
    columns = oracle.gaps_at_random(1500, 1.0, 0.3, 200, np.random.default_rng(0))
    rows = CustomerRows(
        np.column_stack([*columns[:2], np.full(1500, 200.0), columns[2]]),
        ("frequency", "recency", "T", "sum_log_gaps"),
        unit="day",
    )
    result = ci.compare_models(rows, [ci.NBD(), ci.BetaGeoCNBD()], n_cohorts=1)
    assert result.fitted["BetaGeoCNBD"].k_ > 1
    assert result.best == "NBD"
    assert "takes the whole days of short gaps for regularity" in result.verdict


def test_too_few_buyers():
    rows = sampled(ci.BetaGeoNBD.from_params(**BGNBD), 60, 10.0, 5)
    result = ci.compare_models(rows, [ci.NBD()])
    assert result.n_repeat < 50
    assert "have bought again, fewer than 50: watch longer" in result.verdict


def test_a_mix_that_no_model_expects():
    never = np.column_stack([np.zeros(3000), np.zeros(3000), np.full(3000, 50.0)])
    ten = np.column_stack([np.full(1000, 10.0), np.full(1000, 48.0), np.full(1000, 50.0)])
    result = ci.compare_models(np.vstack([never, ten]), [ci.BetaGeoNBD()])
    assert "does not expect the frequencies that are there" in result.verdict


@pytest.mark.parametrize("end", ["2011-08-31", "2011-12-09"])
def test_online_retail_must_not_be_used(shared_data, end):
    table = pq.read_table(shared_data / "transactions" / "online_retail.parquet").to_pandas()
    quantity, price, who, when = (
        next(c for c in table.columns if c.lower().startswith(start))
        for start in ("quantity", "unitprice", "customer", "invoicedate")
    )
    sold = table[(table[quantity] > 0) & (table[price] > 0) & table[who].notna()]
    log = ci.TransactionLog.from_frame(
        sold.assign(amount=sold[quantity] * sold[price]), customer=who, time=when, amount="amount"
    ).until(end)
    at_random = ci.compare_models(log, [ci.BetaGeoNBD(), ci.ModifiedBetaGeoNBD(), ci.ParetoNBD(), ci.NBD()])
    assert at_random.verdict.startswith("Do not use these models here: no customer is seen to leave")
    assert "customers buy regularly (k = 1." in at_random.verdict
    if end == "2011-08-31":
        assert at_random.models["log_likelihood"] == pytest.approx(-21755.348, abs=0.01)
    result = ci.compare_models(log)
    assert result.best == "BetaGeoCNBD"
    assert not result.recommended
    assert "BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD see no customer leave" in result.verdict
    assert "cohorts differ by a factor of 2" in result.verdict


def test_cdnow(cdnow):
    usual = [ci.BetaGeoNBD(), ci.ModifiedBetaGeoNBD(), ci.ParetoNBD(), ci.NBD()]
    result = ci.compare_models(cdnow[0], usual)
    assert dict(zip(result.models["model"], result.models["log_likelihood"], strict=True)) == pytest.approx(
        {"BetaGeoNBD": -9582.43, "ModifiedBetaGeoNBD": -9582.14, "ParetoNBD": -9594.98, "NBD": -9763.66},
        abs=0.01,
    )
    assert result.recommended
    assert result.best_spend == "CorrelatedSpend"
    assert "CorrelatedSpend expects 31.58 a purchase, GammaGamma 35.17" in result.verdict


# -- the result, and wrong input -------------------------------------------------------------------------------


def test_frames_repr_and_pickle(result):
    assert result.to_frame("pandas").shape == (5, 12)
    assert result.to_frame("polars", of="spend").shape == (3, 8)
    text = repr(result)
    assert text.startswith("ModelComparison(1,500 customers,")
    assert text.endswith(result.verdict)
    assert "gaps between purchases: k = " in text
    assert repr(pickle.loads(pickle.dumps(result))) == text


def test_wrong_tables(result):
    with pytest.raises(InputError, match="of must be one of 'models', 'spend'"):
        result.to_frame(of="cohorts")


def test_logs_rows_and_frames_agree(log, result):
    rows = ci.CustomerSummary(unit="week", extra=("sum_log_gaps",)).fit_transform(log)
    two = [ci.BetaGeoNBD(unit="week"), ci.NBD(unit="week")]
    frame = (
        ci.CustomerSummary(unit="week", extra=("sum_log_gaps",))
        .set_output(transform="pandas")
        .fit_transform(log)
    )
    for X in (rows, frame, {name: frame[name].to_numpy() for name in frame}):
        again = ci.compare_models(X, two)
        assert again.models["aic"][0] == pytest.approx(result.models["aic"][0], rel=1e-12)
        assert again.regularity.k == pytest.approx(result.regularity.k, rel=1e-6)
        assert again.cohorts.statistic == pytest.approx(result.cohorts.statistic, rel=1e-6)
    plain = ci.compare_models(np.asarray(rows)[:, :3], two)
    assert plain.regularity is None
    assert plain.spend == {}
    assert plain.best_spend is None
    assert plain.verdict == "Use BetaGeoNBD."


def test_opportunities_are_compared_apart(log):
    result = ci.compare_models(log, {"donors": ci.BetaGeoBetaBinomial()}, spend=[])
    assert result.best == "donors"
    assert result.spend == {}
    with pytest.raises(InputError, match="count opportunities, the others time"):
        ci.compare_models(log, [ci.BetaGeoBetaBinomial(), ci.NBD()])


def test_models_are_cloned(log):
    model = ci.NBD()
    result = ci.compare_models(log, {"by chance": model}, spend=[])
    assert not hasattr(model, "r_")
    assert result.fitted["by chance"].r_ > 0


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"models": []}, InputError, "models is empty"),
        ({"models": [ci.NBD(), ci.NBD()]}, InputError, "two models of one class; name them"),
        ({"models": ci.NBD()}, InputTypeError, "models must be a list of models"),
        ({"models": [ci.GammaGamma()]}, InputTypeError, "models of repeat purchases such as BetaGeoNBD"),
        ({"spend": [ci.NBD()]}, InputTypeError, "models of spend such as GammaGamma"),
        ({"models": {1: ci.NBD()}}, InputTypeError, "names of models must be text, got 1"),
        ({"n_cohorts": 0}, InputError, "n_cohorts must be >= 1"),
        ({"n_cohorts": 1_000_000}, InputError, "n_cohorts must be .* <= 100"),
        ({"X": [[1, 2, 1]]}, InputError, "recency must not exceed T"),
        ({"X": "log"}, InputTypeError, "X must hold numbers"),
        ({"X": None}, InputError, "X must be two-dimensional"),
    ],
)
def test_wrong_inputs(log, params, error, message):
    with pytest.raises(error, match=message):
        ci.compare_models(**{"X": log, **params})
