"""The beta-geometric / NBD model: customers buy at random and may leave after any repeat purchase."""

from __future__ import annotations

from crmintel.lifetime._betageometric import BetaGeometricLikelihood, BetaGeometricModel


class BetaGeoNBD(BetaGeometricModel):
    """BG/NBD: how many purchases to expect from each customer, and who is still one.

    While customers stay they buy at random with their own rate, gamma distributed (``r``, ``alpha``); after every
    repeat purchase they leave for good with their own chance, beta distributed (``a``, ``b``). Whoever has not
    bought again yet cannot have left.

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
    ModifiedBetaGeoNBD : Customers may leave right after the first purchase, too.
    ParetoNBD : Customers may leave at any time.
    NBD : Nobody leaves.
    BetaGeoBetaBinomial : Customers who can buy at certain opportunities only.
    GammaGamma : What a purchase is worth.
    LifetimeValue : Both together, discounted.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way: an alternative to the
    Pareto/NBD model. Marketing Science 24(2), 275-284.

    Fader, P. S. & Hardie, B. G. S. (2007). Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD
    models. http://brucehardie.com/notes/019/

    Examples
    --------
    >>> from crmintel import BetaGeoNBD
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> customer = [[2, 30.43, 38.86]]  # frequency, recency, T
    >>> model.expected_purchases(customer, horizon=39).round(3)
    array([1.226])
    >>> rows = model.sample(2_000, T=52, random_state=0)
    >>> fitted = BetaGeoNBD(horizon="13W").fit(rows)
    >>> fitted.converged_
    True
    >>> fitted.predict(rows).shape
    (2000,)
    """

    _likelihood = BetaGeometricLikelihood
