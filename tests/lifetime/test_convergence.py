"""A fit does not fail: simulated bases of every kind end in an answer, and where it is doubtful the fit says so."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from crmintel import BetaGeoBetaBinomial, GammaGamma, ParetoNBD
from crmintel.exceptions import FitWarning, InputError
from tests.lifetime.bases import BOXES, REGULAR, base, settings_of

PURCHASES = [kind for kind in BOXES if kind is not GammaGamma]


def answers(model, rows):
    """Every answer to some customers, a new one among them."""
    X = np.vstack([np.zeros(3), rows])
    yield "probability_alive", model.probability_alive(X)
    yield "probability_alive after", model.probability_alive(X, after=10)
    yield "expected_purchases", model.expected_purchases(X, 10)
    yield "probability_no_purchase", model.probability_no_purchase(X, 10)
    yield "purchase_count_pmf", model.purchase_count_pmf(X, 10, [0, 1, 5])
    yield "next_purchase_quantile", model.next_purchase_quantile(X, 0.3)
    yield "discounted_expected_transactions", model.discounted_expected_transactions(X, 0.01)
    yield "expected_lifetime", model.expected_lifetime(X, 10)
    yield "predict_interval", model.predict_interval(X, 10)
    yield "expected_purchases_interval", model.expected_purchases_interval(X, 10)
    yield "log_likelihood", model.log_likelihood(X)
    total = model.predict_total(X, 10)
    yield "predict_total", [total.expected, total.low, total.high, total.process_std, total.parameter_std]


def check(kind, number, **size):
    """Fit one base; return whether the fit warned."""
    truth, rows, odd = base(kind, number, **size)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = kind(**settings_of(kind)).fit(rows)
    where = f"{kind.__name__} {number} {odd}"
    assert {w.category for w in caught} <= {FitWarning}, (where, caught)
    assert found.converged_ or caught, where
    assert np.isfinite(found.covariance_).all(), where
    if kind is GammaGamma:
        assert not np.isnan(found.predict(rows)).any(), where
    else:
        from_most_to_least = rows[np.argsort(-rows[:, 0])]
        for name, values in answers(found, from_most_to_least[:: -(-len(rows) // 6)]):
            assert not np.isnan(values).any(), (where, name)
            assert np.min(values) >= 0 or name == "log_likelihood", (where, name)
            assert "probability" not in name or np.max(values) <= 1, (where, name)
    exact = kind.from_params(**truth, **settings_of(kind))
    assert found.score(rows) >= exact.score(rows) - 1e-9, where
    return bool(caught)


@pytest.mark.parametrize("kind", BOXES)
def test_some_bases_end_in_an_answer(kind):
    for number in range(0, 24, 4 if kind in REGULAR else 1):  # their answers take longer
        check(kind, number, n=200)


@pytest.mark.slow
@pytest.mark.parametrize("kind", BOXES)
def test_a_thousand_bases_end_in_an_answer(kind, record_property):
    bases, warned, failures = 100 if kind in REGULAR else 1000, 0, []
    for number in range(bases):
        try:
            warned += check(kind, number)
        except Exception as error:
            failures.append(repr(error))
    record_property("bases", bases)
    record_property("warned", warned)
    assert not failures, f"{len(failures)} of {bases}:\n" + "\n".join(failures)


@pytest.mark.parametrize("kind", PURCHASES)
def test_one_customer_is_too_few_but_may_stand_for_many(kind):
    row = [[2, 5, 10]]
    with pytest.raises(InputError, match="at least 2 are needed"):
        kind(**settings_of(kind)).fit(row)
    with pytest.warns(FitWarning, match="limit of the model|never leave|is seen to leave|rests on"):
        found = kind(**settings_of(kind)).fit(row, sample_weight=[50])
    for name, values in answers(found, row):
        assert not np.isnan(values).any(), name


@pytest.mark.parametrize("kind", [k for k in PURCHASES if k not in (BetaGeoBetaBinomial, ParetoNBD)])
def test_who_was_never_watched_tells_nothing(kind):
    """Customers of the last day, T = 0, beside others."""
    _, rows, _ = base(kind, 5, n=300)
    more = np.vstack([rows, np.zeros((40, 3))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        few, many = (kind(**settings_of(kind)).fit(r) for r in (rows, more))
    # where the best is a limit the search ends by the gradient, at places 1e-10 a customer apart
    assert many.log_likelihood_ == pytest.approx(few.log_likelihood_, rel=1e-8)
