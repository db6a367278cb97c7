"""The BG/CNBD-k models: customers who buy at regular intervals and may leave after a purchase."""

from __future__ import annotations

from crmintel.lifetime._cnbd_likelihood import ErlangLikelihood
from crmintel.lifetime._cnbd_model import ErlangModel


class _ModifiedLikelihood(ErlangLikelihood):
    at_start = 1
    basins = 2  # as for the MBG/NBD: who has not bought again buys rarely, or has left at once
    leaves_at_once = "every customer leaves right after the first purchase (b / a -> 0)"


class BetaGeoCNBD(ErlangModel):
    """BG/CNBD-k: how many purchases to expect from customers who buy at regular intervals, and who is still one.

    As in `BetaGeoNBD`, but a customer's gaps between purchases are Erlang distributed with ``k`` stages: k = 1 is
    the random buying of the BG/NBD, k = 2, 3, ... is ever more regular (the gaps of a customer vary by 1 / sqrt(k) of
    their mean). Somebody who buys every week is missed sooner than a random buyer would be; and who has just bought is
    not expected tomorrow.

    Parameters
    ----------
    horizon : float or str, default=1.0
        How far `predict` and `transform` look: a number in the unit of the rows, or text like ``"52W"``.
    k : int or "auto", default="auto"
        Regularity, the same for all customers. ``"auto"`` tries 1, 2, ..., 12 until the likelihood falls; this takes
        the column ``sum_log_gaps`` (``CustomerSummary(extra=("sum_log_gaps",))``).
    penalty : float, default=0.0
        Precision of a normal prior on the logarithms of ``r, alpha / (mean of T), a, b`` around 0. The likelihood
        is maximised less ``penalty / 2`` times their squares. It does not depend on the unit of time.
    unit : str, optional
        Unit of time of ``recency`` and ``T``. None: as the rows carry it.
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    k_ : int
        The regularity.
    log_likelihood_by_k_ : dict
        The log-likelihood of each k that was tried.
    r_, alpha_, a_, b_ : float
        The parameters; ``alpha_`` has the unit of T. A customer makes r / (k alpha) purchases per unit of time on
        average. Where no customer is seen to leave ``a_`` is 0 and ``b_`` inf.
    params_ : dict
        The same by name.
    covariance_ : ndarray of shape (4, 4)
        Inverse observed information given k, in the order of ``params_``; 0 for parameters held at a limit.
    standard_errors_ : dict
        Square roots of its diagonal, by name.
    log_likelihood_ : float
        Total, without the penalty, in the unit of the rows. It compares with that of other k and other models only
        where X has ``sum_log_gaps``; without it a constant of k and the data is left out.
    aic_ : float
        Akaike's information criterion; a chosen k counts as a parameter.
    converged_ : bool
        Whether the gradient vanishes at the estimate.
    gradient_norm_ : float
        Its largest component per customer, by log-parameter.
    condition_number_ : float
        Ratio of the largest to the smallest curvature of the likelihood, by log-parameter: beyond 1e8 the data hardly
        tell the parameters apart; inf where they do not.
    n_iter_ : int
        Newton steps on all customers.
    message_ : str
        How the fit ended, in words.
    unit_ : str or None
        Unit of time of the fit.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    See Also
    --------
    ModifiedBetaGeoCNBD : Customers may leave right after the first purchase, too.
    BetaGeoNBD : Customers who buy at random.

    Notes
    -----
    All answers are exact: a silence is a sum over the stages that may have passed in it, and no expectation is
    approximated by that of random buyers.

    The likelihood sees every gap. Where purchases are merged by day nobody buys twice a day, which looks regular: on
    Complete Journey, groceries, k = 2 wins by far (log-likelihood -34,000 against -39,800 on the first half of 2017)
    but foretells the next 13 weeks no better, and its intervals are too narrow. Look at `backtest` before taking a
    k > 1.

    References
    ----------
    Platzer, M. & Reutterer, T. (2016). Ticking away the moments: timing regularity helps to better predict customer
    activity. Marketing Science 35(5), 779-799.
    Reutterer, T., Platzer, M. & Schroeder, N. (2021). Leveraging purchase regularity for predicting customer behavior
    the easy way. International Journal of Research in Marketing 38(1), 194-215.

    Examples
    --------
    >>> from crmintel import BetaGeoCNBD
    >>> regular = BetaGeoCNBD.from_params(r=1.0, alpha=2.0, a=0.8, b=2.5, k=3, unit="week")
    >>> overdue = [[8, 40, 42], [8, 40, 60]]  # a purchase every 5 weeks; silent for 2 weeks, and for 20
    >>> regular.probability_alive(overdue).round(3)
    array([0.912, 0.029])
    >>> rows = regular.sample(1_000, T=52, random_state=0)
    >>> fitted = BetaGeoCNBD(horizon="13W", k=3).fit(rows)
    >>> fitted.converged_
    True
    """

    _likelihood = ErlangLikelihood


class ModifiedBetaGeoCNBD(ErlangModel):
    """MBG/CNBD-k: how many purchases to expect from customers who buy at regular intervals, and who is still one.

    As in `ModifiedBetaGeoNBD`, customers may leave after every purchase, the first among them; as in `BetaGeoCNBD`
    their gaps between purchases are Erlang distributed with ``k`` stages, k = 1 being random buying.

    Parameters
    ----------
    horizon : float or str, default=1.0
        How far `predict` and `transform` look: a number in the unit of the rows, or text like ``"52W"``.
    k : int or "auto", default="auto"
        Regularity, the same for all customers. ``"auto"`` tries 1, 2, ..., 12 until the likelihood falls; this takes
        the column ``sum_log_gaps`` (``CustomerSummary(extra=("sum_log_gaps",))``).
    penalty : float, default=0.0
        Precision of a normal prior on the logarithms of ``r, alpha / (mean of T), a, b`` around 0. The likelihood
        is maximised less ``penalty / 2`` times their squares. It does not depend on the unit of time.
    unit : str, optional
        Unit of time of ``recency`` and ``T``. None: as the rows carry it.
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    k_ : int
        The regularity.
    log_likelihood_by_k_ : dict
        The log-likelihood of each k that was tried.
    r_, alpha_, a_, b_ : float
        The parameters; ``alpha_`` has the unit of T. A customer makes r / (k alpha) purchases per unit of time on
        average. Where no customer is seen to leave ``a_`` is 0 and ``b_`` inf.
    params_ : dict
        The same by name.
    covariance_ : ndarray of shape (4, 4)
        Inverse observed information given k, in the order of ``params_``; 0 for parameters held at a limit.
    standard_errors_ : dict
        Square roots of its diagonal, by name.
    log_likelihood_ : float
        Total, without the penalty, in the unit of the rows. It compares with that of other k and other models only
        where X has ``sum_log_gaps``; without it a constant of k and the data is left out.
    aic_ : float
        Akaike's information criterion; a chosen k counts as a parameter.
    converged_ : bool
        Whether the gradient vanishes at the estimate.
    gradient_norm_ : float
        Its largest component per customer, by log-parameter.
    condition_number_ : float
        Ratio of the largest to the smallest curvature of the likelihood, by log-parameter: beyond 1e8 the data hardly
        tell the parameters apart; inf where they do not.
    n_iter_ : int
        Newton steps on all customers.
    message_ : str
        How the fit ended, in words.
    unit_ : str or None
        Unit of time of the fit.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    See Also
    --------
    BetaGeoCNBD : Customers leave after repeat purchases only.
    ModifiedBetaGeoNBD : Customers who buy at random.

    Notes
    -----
    A new customer (``X=None``) has just made the first purchase and may leave right then. All answers are exact, see
    `BetaGeoCNBD`.

    References
    ----------
    Platzer, M. & Reutterer, T. (2016). Ticking away the moments: timing regularity helps to better predict customer
    activity. Marketing Science 35(5), 779-799.
    Reutterer, T., Platzer, M. & Schroeder, N. (2021). Leveraging purchase regularity for predicting customer behavior
    the easy way. International Journal of Research in Marketing 38(1), 194-215.

    Examples
    --------
    >>> from crmintel import ModifiedBetaGeoCNBD
    >>> regular = ModifiedBetaGeoCNBD.from_params(r=1.0, alpha=2.0, a=0.8, b=2.5, k=3, unit="week")
    >>> customers = [[0, 0, 20], [8, 40, 42]]  # frequency, recency, T
    >>> regular.probability_alive(customers).round(3)
    array([0.437, 0.92 ])
    >>> rows = regular.sample(1_000, T=52, random_state=0)
    >>> fitted = ModifiedBetaGeoCNBD(horizon="13W", k=3).fit(rows)
    >>> fitted.converged_
    True
    """

    _likelihood = _ModifiedLikelihood
