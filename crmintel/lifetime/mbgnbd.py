"""The modified beta-geometric / NBD model: customers may leave right after their first purchase, too."""

from __future__ import annotations

from crmintel.lifetime._betageometric import BetaGeometricLikelihood, BetaGeometricModel


class _Likelihood(BetaGeometricLikelihood):
    at_start = 1
    basins = 2  # who has not bought again buys rarely, or has left at once: either may be the better story
    leaves_at_once = "every customer leaves right after the first purchase (b / a -> 0)"


class ModifiedBetaGeoNBD(BetaGeometricModel):
    """MBG/NBD: how many purchases to expect from each customer, and who is still one.

    While customers stay they buy at random with their own rate, gamma distributed (``r``, ``alpha``); after every
    purchase, the first among them, they leave for good with their own chance, beta distributed (``a``, ``b``). So it
    differs from `BetaGeoNBD` for those who have not bought again, most customers of many shops: they may be gone.
    It is also known as central variant of the BG/NBD (CBG/NBD).

    Parameters
    ----------
    horizon : float or str, default=1.0
        How far `predict` and `transform` look: a number in the unit of the rows, or text like ``"52W"``.
    penalty : float or "cv", default=0.0
        Precision of a normal prior on the logarithms of ``r, alpha / (mean of T), a, b`` around 0 and of the
        coefficients of standardised covariates. The likelihood is maximised less ``penalty / 2`` times their
        squares. It does not depend on the unit of time nor on the scale of a covariate. "cv": of 0, 0.01, 0.03,
        ..., 100 the one with the highest likelihood of customers that were not fitted, in 5 folds that are always
        dealt alike; it costs 50 fits.
    unit : str, optional
        Unit of time of ``recency`` and ``T``. None: as the rows carry it.
    purchase_covariates : sequence of str, default=()
        Columns of ``X`` that tell how often a customer buys: alpha of a customer is ``alpha * exp(-c @ z)``, so that a
        covariate that is larger by 1 multiplies the purchase rate by exp(c). Numbers; a category becomes 0/1 columns,
        all but one.
    dropout_covariates : sequence of str, default=()
        Columns that tell who leaves: ``a * exp(c_a @ z)`` and ``b * exp(c_b @ z)``. Each shape has coefficients of its
        own, as in Fader & Hardie (2007): one for both, as CLVTools has it, would leave the mean chance a / (a + b)
        alone.
    tol : float, default=1e-9
        The fit ends when the gradient per customer, by log-parameter, is smaller.
    max_iter : int, default=200
        Newton steps at most.

    Attributes
    ----------
    r_, alpha_, a_, b_ : float
        The parameters; ``alpha_`` has the unit of T. Where no customer is seen to leave ``a_`` is 0 and ``b_`` inf.
    params_ : dict
        The same by name, then the coefficients of covariates.
    covariance_ : ndarray of shape (n_params, n_params)
        Inverse observed information, in the order of ``params_``; 0 for parameters held at a limit.
    standard_errors_ : dict
        Square roots of its diagonal, by name.
    log_likelihood_ : float
        Total, without the penalty, in the unit of the rows.
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
        Newton steps on all customers.
    message_ : str
        How the fit ended, in words.
    penalty_ : float
        The penalty of the fit.
    purchase_coefficients_ : dict
        Coefficient of each purchase covariate; in ``params_`` it is called "purchase.<name>".
    dropout_coefficients_ : dict
        Coefficients of the dropout covariates, "a.<name>" and "b.<name>", as in ``params_``.
    unit_ : str or None
        Unit of time of the fit.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    See Also
    --------
    BetaGeoNBD : Customers leave after repeat purchases only.
    BetaGeoBetaBinomial : Customers who can buy at certain opportunities only.

    Notes
    -----
    A new customer (``X=None``) has just made the first purchase and may leave right then: ``probability_alive()`` is
    ``b / (a + b)``, not 1.

    References
    ----------
    Batislam, E. P., Denizel, M. & Filiztekin, A. (2007). Empirical validation and comparison of models for customer
    base analysis. International Journal of Research in Marketing 24(3), 201-209.

    Hoppe, D. & Wagner, U. (2007). Customer base analysis: The case for a central variant of the betageometric/NBD
    model. Marketing - Journal of Research and Management 3(2), 75-90.

    Fader, P. S. & Hardie, B. G. S. (2007). Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD
    models. http://brucehardie.com/notes/019/

    Examples
    --------
    >>> from crmintel import ModifiedBetaGeoNBD
    >>> model = ModifiedBetaGeoNBD.from_params(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> bought_once, bought_thrice = [0, 0, 38.86], [2, 30.43, 38.86]  # frequency, recency, T
    >>> model.probability_alive([bought_once, bought_thrice]).round(3)
    array([0.39 , 0.706])
    >>> model.expected_purchases([bought_once, bought_thrice], horizon=39).round(3)
    array([0.154, 1.263])
    >>> rows = model.sample(2_000, T=52, random_state=0)
    >>> fitted = ModifiedBetaGeoNBD(horizon="13W").fit(rows)
    >>> fitted.converged_
    True
    """

    _likelihood = _Likelihood
