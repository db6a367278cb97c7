"""Seasons: learned free of growth and dropout, and models whose clock follows them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import crmintel as ci
from crmintel.exceptions import ColumnError, DataWarning, InputError, InputTypeError, UnitError
from crmintel.features.rows import CustomerRows

GIFTS = ci.SeasonalProfile([0.7, 0.7, 0.8, 0.9, 1.0, 1.0, 0.8, 0.8, 1.0, 1.1, 1.4, 2.2])
FLAT = ci.SeasonalProfile(np.ones(12))
TRUTH = {"r": 0.8, "alpha": 60.0, "a": 0.6, "b": 3.0}  # per day
DAY = np.timedelta64(1, "D")
START, SUMMARY = np.datetime64("2020-01-01"), ci.CustomerSummary(unit="day", extra=("as_of",))
MODELS = [ci.BetaGeoNBD(), ci.ModifiedBetaGeoNBD(), ci.NBD(), ci.BetaGeoCNBD(k=3)]


def purchases_by_thinning(profile, n, days, seed):
    """Log lines of customers who come over the first two thirds: candidates at the highest rate, some of them kept."""
    rng = np.random.default_rng(seed)
    keep = profile.rate(START + np.arange(days + 1)) / profile.index.max()
    owner, day = [], []
    for customer in range(n):
        rate, p = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"]), rng.beta(TRUTH["a"], TRUTH["b"])
        time, seen = float(rng.integers(0, days * 2 // 3)), []
        seen.append(int(time))
        while True:
            time += rng.exponential() / (rate * profile.index.max())
            if time >= days:
                break
            if rng.random() < keep[int(np.ceil(time))]:
                seen.append(int(np.ceil(time)))
                if rng.random() < p:
                    break
        owner.extend([customer] * len(seen))
        day.extend(seen)
    return ci.TransactionLog.from_arrays(
        customer=owner, time=START + np.array(day) * DAY, end=START + days * DAY
    )


@pytest.fixture(scope="module")
def gift_log():
    return purchases_by_thinning(GIFTS, 4_000, 4 * 365, seed=0)


@pytest.fixture(scope="module")
def past(gift_log):
    return gift_log.split("2022-10-31")[0]


@pytest.fixture(scope="module")
def rows(past):
    return SUMMARY.fit_transform(past)


# -- the profile --------------------------------------------------------------------------------------------------


def test_the_season_is_learned_from_a_growing_base_whose_customers_leave(past):
    learned = ci.SeasonalProfile.from_log(past)
    assert learned.index == pytest.approx(GIFTS.index, rel=0.15)
    assert np.corrcoef(learned.index, GIFTS.index)[0, 1] > 0.98
    weekly = ci.SeasonalProfile.from_log(past, "week")
    assert weekly.index.shape == (52,)
    assert weekly.index[49:51].mean() == pytest.approx(GIFTS.index[11], rel=0.25)


def test_without_a_season_the_profile_is_flat_or_nearly_so():
    log = purchases_by_thinning(FLAT, 1_500, 3 * 365, seed=1)
    assert np.abs(ci.SeasonalProfile.from_log(log).index - 1).max() < 0.1


def test_the_index_solves_the_conditional_likelihood():
    """Against the likelihood written out: each purchase between lies in a period with its share of the clock."""
    log = purchases_by_thinning(GIFTS, 60, 2 * 365, seed=2)
    learned = ci.SeasonalProfile.from_log(log, shrinkage=5.0)
    histories = [np.unique(log[i].compact().lines.time // 86_400_000_000) for i in range(len(log))]

    def objective(index):
        profile, total = ci.SeasonalProfile(index), 0.0
        for days in histories:
            if days.size > 2:
                inner = days[1:-1].astype("datetime64[D]")
                whole = profile.clock(days[-1] - 1.0) - profile.clock(days[0])
                total += np.log(profile.rate(inner) / whole).sum()
        return total + 5.0 * (np.log(index) - index).sum()

    scale = _best_scale(learned.index)
    best = objective(learned.index * scale)
    for month in range(12):
        for factor in (0.97, 1.03):
            other = learned.index * scale
            other[month] *= factor
            assert objective(other) < best


def _best_scale(index):
    """The prior's scale: sum of log - sum is highest where the rates have mean 1 over the periods."""
    return index.size / index.sum()


def test_the_profile_has_mean_one_over_the_days_of_the_year():
    year = np.arange("2021-01-01", "2022-01-01", dtype="datetime64[D]")
    assert GIFTS.rate(year).mean() == pytest.approx(1.0, abs=1e-3)
    assert GIFTS.index[11] / GIFTS.index[0] == pytest.approx(2.2 / 0.7)
    assert GIFTS.rate("2021-12-24") == pytest.approx([GIFTS.index[11]])
    with pytest.raises(InputError, match=r"dates must not be missing: 1 of 2 rows break this.*row 1"):
        GIFTS.rate(np.array(["2021-12-24", "NaT"], dtype="M8[D]"))
    assert ci.SeasonalProfile(GIFTS.index).index == pytest.approx(GIFTS.index, rel=1e-15)


def test_the_clock_runs_by_the_rate_and_back():
    days = np.array([-1e6, 18_000.0, 18_000.25, 19_123.7, 1e6])
    assert GIFTS.calendar(GIFTS.clock(days)) == pytest.approx(days, rel=1e-13)
    assert np.array_equal(FLAT.clock(days), days)
    step = GIFTS.clock([18_620.0, 18_621.0])  # 2020-12-24 is day 18620
    assert step[1] - step[0] == pytest.approx(GIFTS.index[11], rel=1e-9)


def test_less_than_two_years_are_named():
    log = ci.TransactionLog.from_arrays(
        customer=[1] * 4, time=["2024-01-01", "2024-02-01", "2024-03-05", "2024-04-01"]
    )
    with pytest.warns(DataWarning, match="span 91 days, so that hardly any month was seen in two years"):
        assert np.isfinite(ci.SeasonalProfile.from_log(log, shrinkage=2.0).index).all()


def test_profiles_are_values():
    assert pickle.loads(pickle.dumps(GIFTS)) == GIFTS
    assert len({GIFTS, ci.SeasonalProfile(GIFTS.index), FLAT}) <= 3
    assert GIFTS != FLAT
    assert "month 12: 2" in repr(GIFTS)
    with pytest.raises(ValueError, match="read-only"):
        GIFTS.index[0] = 2.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ci.SeasonalProfile(np.ones(11)), "index has 11 values, expected 12"),
        (lambda: ci.SeasonalProfile(np.zeros(12)), "index must be > 0"),
        (lambda: ci.SeasonalProfile(np.full(12, np.nan)), "finite"),
        (lambda: ci.SeasonalProfile(np.ones(12), "year"), "period must be one of 'month', 'week'"),
    ],
)
def test_a_bad_profile_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_learning_needs_customers_with_three_purchases():
    log = ci.TransactionLog.from_arrays(customer=[1, 1, 2], time=["2024-01-01", "2024-02-01", "2024-01-05"])
    with pytest.raises(InputError, match="no customer has three purchases"):
        ci.SeasonalProfile.from_log(log)
    with pytest.raises(InputError, match="shrinkage must be > 0"):
        ci.SeasonalProfile.from_log(log, shrinkage=0.0)
    with pytest.raises(InputTypeError, match="TransactionLog"):
        ci.SeasonalProfile.from_log([1, 2])


# -- the model ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_flat_profile_is_the_plain_model(rows, model):
    some = rows[:400]
    plain, seasonal = clone(model).fit(rows), ci.SeasonalModel(model, FLAT).fit(rows)
    assert seasonal.model_.params_ == pytest.approx(plain.params_, rel=1e-12)
    assert seasonal.end_ == 19_296.0  # 2022-10-31
    for ask in (
        lambda m: m.expected_purchases(some, "13W"),
        lambda m: m.probability_alive(some),
        lambda m: m.probability_alive(some, 50),
        lambda m: m.probability_no_purchase(some, 90),
        lambda m: m.purchase_count_pmf(some, 90, [0, 1, 5]),
        lambda m: m.predict_interval(some, 90),
        lambda m: m.log_likelihood(some),
        lambda m: m.expected_purchases(None, 90),
        lambda m: np.asarray(m.sample(200, 300.0, 0)),
    ):
        assert ask(seasonal) == pytest.approx(ask(plain), rel=1e-11, abs=1e-13)
    waits = [m.next_purchase_quantile(some, 0.2) for m in (seasonal, plain)]
    assert np.array_equal(np.isfinite(waits[0]), np.isfinite(waits[1]))
    near = waits[1] < 1e6
    assert waits[0][near] == pytest.approx(waits[1][near], rel=1e-9)


def test_discounting_by_parts_equals_that_of_the_plain_model(rows):
    plain, seasonal = ci.BetaGeoNBD().fit(rows), ci.SeasonalModel(None, FLAT).fit(rows)
    for ask in ({"rate": 0.001}, {"rate": 0.001, "horizon": "1Y"}, {"rate": 0.01, "horizon": 30}):
        assert seasonal.discounted_expected_transactions(rows[:50], **ask) == pytest.approx(
            plain.discounted_expected_transactions(rows[:50], **ask), rel=1e-8
        )
    gifts = ci.SeasonalModel(None, GIFTS).fit(rows)
    steps, few = np.arange(0, 91.0), rows[:20]
    curve = np.array([gifts.expected_purchases(few, t) if t else np.zeros(20) for t in steps])
    middle = np.exp(-0.001 * (steps[1:] - 0.5))
    assert gifts.discounted_expected_transactions(few, 0.001, 90) == pytest.approx(
        middle @ np.diff(curve, axis=0), rel=1e-5
    )


def test_parameters_are_those_before_the_season(rows):
    fitted = ci.SeasonalModel(None, GIFTS).fit(rows)
    for (name, truth), error in zip(TRUTH.items(), np.sqrt(np.diag(fitted.model_.covariance_)), strict=True):
        assert abs(fitted.model_.params_[name] - truth) < 4 * error
        assert error < 0.25 * truth


def test_the_forecast_follows_the_season(gift_log, past, rows):
    plain = ci.BetaGeoNBD().fit(rows)
    seasonal = ci.SeasonalModel(None, ci.SeasonalProfile.from_log(past)).fit(rows)
    errors = {"plain": [], "seasonal": []}
    for until in ("2022-12-31", "2023-03-31", "2023-07-31"):
        bought = gift_log.until(until).split("2022-10-31")[1].purchases().sum()
        days = float((np.datetime64(until) - past.end).astype(int))
        errors["plain"].append(plain.expected_purchases(rows, days).sum() / bought - 1)
        errors["seasonal"].append(seasonal.expected_purchases(rows, days).sum() / bought - 1)
    assert errors["plain"][0] < -0.25  # Christmas comes
    assert np.abs(errors["seasonal"]).max() < 0.1
    assert np.abs(errors["seasonal"]).sum() < 0.4 * np.abs(errors["plain"]).sum()


def test_quantiles_invert_chances_in_the_calendar(rows):
    model = ci.SeasonalModel(None, GIFTS).fit(rows)
    some = rows[rows[:, 0] > 1][:60]
    for wait, row in zip(model.next_purchase_quantile(some, 0.3), some, strict=True):
        if np.isfinite(wait):
            again = CustomerRows([row], rows.columns, "day")
            assert 1 - model.probability_no_purchase(again, wait)[0] == pytest.approx(0.3, abs=1e-9)
    n = np.arange(200)
    assert model.purchase_count_pmf(some, "8W", n) @ n == pytest.approx(
        model.expected_purchases(some, "8W"), rel=1e-6
    )


def test_samples_follow_the_season(rows):
    model = ci.SeasonalModel(None, GIFTS).fit(rows)
    drawn = model.sample(40_000, 304.0, random_state=0)  # from January 1 to October 31
    assert (drawn[:, 1] <= 304).all()
    expected = model.model_.expected_purchases(None, float(GIFTS.clock(19_296.0) - GIFTS.clock(18_992.0)))
    assert drawn[:, 0].mean() == pytest.approx(expected, abs=5 * drawn[:, 0].std() / 200)


def test_histories_that_end_on_different_days_are_answered_each_from_its_own(past, rows):
    model = ci.SeasonalModel(None, GIFTS).fit(rows)
    earlier = SUMMARY.fit_transform(past.until("2022-06-30"))[:40]
    mixed = CustomerRows(np.vstack([rows[:30], earlier, rows[30:60]]), rows.columns, "day")
    for ask in (model.predict, model.transform, lambda X: model.predict_interval(X, 60)):
        apart = [ask(part) for part in (rows[:30], earlier, rows[30:60])]
        assert np.array_equal(ask(mixed), np.concatenate(apart))


def test_covariates_tell_equal_histories_apart(rows):
    X = {**dict(zip(rows.columns, np.asarray(rows).T, strict=True)), "z": np.arange(len(rows)) % 2.0}
    model = ci.SeasonalModel(ci.BetaGeoNBD(unit="day", purchase_covariates=["z"]), GIFTS).fit(X)
    model.model_.params_["purchase.z"] = -6.0
    twins = {name: np.repeat(values[:1], 2) for name, values in X.items()} | {"z": np.array([0.0, 1.0])}
    often, seldom = model.predict_interval(twins, "26W")
    assert seldom[1] < often[1]


def test_the_end_can_be_given(rows):
    by_column = ci.SeasonalModel(None, GIFTS).fit(rows)
    by_date = ci.SeasonalModel(ci.BetaGeoNBD(unit="day"), GIFTS, end="2022-10-31").fit(
        np.asarray(rows)[:, :3]
    )
    assert by_date.model_.params_ == by_column.model_.params_
    assert np.array_equal(by_date.predict(np.asarray(rows)[:, :3]), by_column.predict(rows))


def test_the_unit_of_time_changes_nothing(past, rows):
    weekly = ci.CustomerSummary(unit="week", extra=("as_of",)).fit_transform(past)
    by_day, by_week = (ci.SeasonalModel(None, GIFTS).fit(X) for X in (rows, weekly))
    assert by_week.expected_purchases(weekly, "8W") == pytest.approx(
        by_day.expected_purchases(rows, "8W"), rel=1e-7
    )


def test_it_takes_its_place_in_a_value_model_and_a_pipeline(past):
    log = ci.datasets.make_transactions(300, weeks=104, random_state=0)[0]
    value = make_pipeline(
        ci.CustomerSummary(unit="week", extra=("as_of", "spend", "spend_last_year")),
        ci.LifetimeValue(transactions=ci.SeasonalModel(None, GIFTS), horizon="26W", discount_rate=0.1),
    )
    assert np.isfinite(value.fit(log).predict(log)).all()
    pipeline = make_pipeline(SUMMARY, ci.SeasonalModel(None, GIFTS))
    assert ci.backtest(pipeline, past, cutoffs=["2022-06-30"], horizon="8W", n_bootstrap=10) is not None


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        (ci.SeasonalModel(ci.ParetoNBD(), GIFTS), InputTypeError, "cannot be put on a seasonal clock"),
        (ci.SeasonalModel(), InputTypeError, "profile must be a SeasonalProfile, got None"),
        (ci.SeasonalModel(ci.BetaGeoCNBD(), GIFTS), InputError, "k='auto'"),
        (ci.SeasonalModel(None, GIFTS, horizon=0), InputError, "horizon must be > 0"),
        (ci.SeasonalModel(None, GIFTS, end="soon"), InputError, "end must be a date"),
    ],
)
def test_mistakes_are_named(rows, model, error, words):
    with pytest.raises(error, match=words):
        model.fit(rows)


def test_rows_without_end_or_unit_are_named(rows):
    with pytest.raises(ColumnError, match=r"CustomerSummary\(extra=\('as_of',\)\), or set end="):
        ci.SeasonalModel(None, GIFTS).fit(CustomerRows(rows[:, :3], ("frequency", "recency", "T"), "day"))
    with pytest.raises(UnitError, match="needs the unit of time"):
        ci.SeasonalModel(None, GIFTS, end="2022-10-31").fit(np.asarray(rows)[:, :3])
