"""Models of contracts: customers who must renew, so that it is seen when they leave."""

from __future__ import annotations

from crmintel.lifetime._contract_model import ContractModel


class ShiftedBetaGeometric(ContractModel):
    """sBG: how many customers of a contract stay, and what those who are still there are worth.

    At each renewal a customer leaves with a chance of the customer's own that never changes, beta distributed over
    customers (``alpha``, ``beta``). The retention rate of a cohort rises all the same: those with a high chance to
    leave are gone first. A constant retention rate, taken from the first years, undervalues whoever is left.

    Time counts renewals: subscriptions that run by the month, insurances by the year. `fit` takes one row for each
    customer, `fit_cohorts` the table of customers left.

    Parameters
    ----------
    horizon : int, default=1
        How many renewals ahead `predict` and `transform` look.
    penalty : float, default=0.0
        Precision of a normal prior on the logarithms of ``alpha, beta`` around 0. The likelihood is maximised less
        ``penalty / 2`` times their squares.
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    alpha_, beta_ : float
        The parameters. ``alpha / (alpha + beta)`` are lost at the first renewal; the closer both are to 0 the more
        customers differ. Where no customer is seen to leave ``alpha_`` is 0.
    params_ : dict
        The same by name.
    covariance_ : ndarray of shape (2, 2)
        Inverse observed information, in the order of ``params_``; 0 for parameters held at a limit.
    standard_errors_ : dict
        Square roots of its diagonal, by name.
    log_likelihood_ : float
        Total, without the penalty.
    aic_ : float
        Akaike's information criterion.
    converged_ : bool
        Whether the gradient vanishes at the estimate.
    gradient_norm_ : float
        Its largest component per customer, by log-parameter.
    condition_number_ : float
        Ratio of the largest to the smallest curvature of the likelihood, by log-parameter: beyond 1e8 the data hardly
        tell the parameters apart; inf where they do not.
    n_iter_ : int
        Newton steps.
    message_ : str
        How the fit ended, in words.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    See Also
    --------
    BetaDiscreteWeibull : A customer's chance to leave may change with time.
    BetaGeoBetaBinomial : Customers who do not cancel, but fall silent.

    Notes
    -----
    Without an end and without a discount the expected tenure is infinite where ``alpha <= 1``, which real data often
    ask for; `expected_renewals` has a horizon therefore, `discounted_expected_renewals` a horizon or a discount.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2007). How to project customer retention. Journal of Interactive Marketing 21(1),
    76-90.

    Fader, P. S. & Hardie, B. G. S. (2010). Customer-base valuation in a contractual setting: the perils of ignoring
    heterogeneity. Marketing Science 29(1), 85-93.

    Examples
    --------
    The "high end" and "regular" customers of the first paper, of whom 1,000 each began, after each of seven renewals:

    >>> from crmintel import ShiftedBetaGeometric
    >>> high_end = ShiftedBetaGeometric().fit_cohorts([1000, 869, 743, 653, 593, 551, 517, 491])
    >>> round(high_end.alpha_, 3), round(high_end.beta_, 3)
    (0.668, 3.806)
    >>> regular = ShiftedBetaGeometric().fit_cohorts([1000, 631, 468, 382, 326, 289, 262, 241])
    >>> round(regular.alpha_, 3), round(regular.beta_, 3)
    (0.704, 1.182)
    >>> regular.survival([1, 7, 12]).round(3)  # 173 of 1,000 were left after 12
    array([0.627, 0.239, 0.17 ])
    >>> regular.retention_rate([1, 12]).round(3)
    array([0.627, 0.945])

    What those are worth who have made no renewal, or seven, or have left, in payments to come:

    >>> customers = [[0, 0], [7, 0], [3, 1]]  # duration, churned
    >>> regular.discounted_expected_renewals(customers, discount_rate=0.10).round(2)
    array([2.69, 6.22, 0.  ])
    """

    _parameters = ("alpha", "beta")


class BetaDiscreteWeibull(ContractModel):
    """BdW: contracts of customers whose own chance to leave grows or falls with time.

    The shifted-beta-geometric model with one parameter more: a customer stays through t renewals with the chance
    (1 - p)^(t^c), where p is beta distributed over customers (``alpha``, ``beta``). At c = 1 it is
    `ShiftedBetaGeometric`; below 1 customers grow loyal, above 1 they tire. Fit both and compare ``aic_``: a cohort
    whose retention falls before it rises needs c > 1.

    Parameters
    ----------
    horizon : int, default=1
        How many renewals ahead `predict` and `transform` look.
    penalty : float, default=0.0
        Precision of a normal prior on the logarithms of ``alpha, beta, c`` around 0. The likelihood is maximised less
        ``penalty / 2`` times their squares.
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    alpha_, beta_, c_ : float
        The parameters. Where no customer is seen to leave ``alpha_`` is 0.
    params_ : dict
        The same by name.
    covariance_ : ndarray of shape (3, 3)
        Inverse observed information, in the order of ``params_``; 0 for parameters held at a limit.
    standard_errors_ : dict
        Square roots of its diagonal, by name.
    log_likelihood_ : float
        Total, without the penalty.
    aic_ : float
        Akaike's information criterion.
    converged_ : bool
        Whether the gradient vanishes at the estimate.
    gradient_norm_ : float
        Its largest component per customer, by log-parameter.
    condition_number_ : float
        Ratio of the largest to the smallest curvature of the likelihood, by log-parameter: beyond 1e8 the data hardly
        tell the parameters apart; inf where they do not.
    n_iter_ : int
        Newton steps.
    message_ : str
        How the fit ended, in words.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    See Also
    --------
    ShiftedBetaGeometric : A customer's chance to leave never changes.

    Notes
    -----
    Without an end and without a discount the expected tenure is infinite where ``alpha c <= 1``.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Liu, Y., Davin, J. & Steenburgh, T. (2018). "How to project customer retention"
    revisited: the role of duration dependence. Journal of Interactive Marketing 43, 1-16.

    Examples
    --------
    The "high end" customers of the paper, after each of four renewals:

    >>> from crmintel import BetaDiscreteWeibull
    >>> model = BetaDiscreteWeibull().fit_cohorts([1000, 869, 743, 653, 593])
    >>> {name: round(value, 3) for name, value in model.params_.items()}
    {'alpha': 0.259, 'beta': 1.723, 'c': 1.584}
    >>> model.survival([4, 8, 12]).round(3)  # 468 were left after 8, 394 after 12
    array([0.593, 0.457, 0.389])
    """

    _parameters = ("alpha", "beta", "c")
