"""CDNOW: the purchases of a cohort of new customers of a CD shop, the standard example of buy-till-you-die models."""

from __future__ import annotations

from typing import Any

import numpy as np

from crmintel._frames import build_frame
from crmintel._validation import check_choice
from crmintel.datasets._resources import frame_module, installed_file


def load_cdnow(which: str = "sample", library: str = "pandas") -> Any:
    """Return the CDNOW purchases, one row per customer and order.

    All customers made their first purchase at CDNOW in the first quarter of 1997; the data run from 1997-01-01 to
    1998-06-30. The 1/10 sample is the one of the papers, which calibrate on the 39 weeks to 1997-09-30.

    Parameters
    ----------
    which : {"sample", "master"}, default="sample"
        The sample has 2,357 customers with 6,919 orders, the master 23,570 customers with 69,659 orders.
    library : {"pandas", "polars", "pyarrow"}, default="pandas"
        Library of the returned frame.

    Returns
    -------
    frame
        ``customer_id`` (the id in the master, in both files), ``date``, ``quantity`` (CDs) and ``amount`` (US
        dollars). 80 orders of the master, 8 of the sample, have the amount 0.

    Raises
    ------
    MissingExtraError
        If the package lifetimes, which ships the files, is not installed. It is read, not imported.

    Notes
    -----
    Free for research and teaching by courtesy of its authors; the package that ships it has the MIT licence.

    References
    ----------
    .. [1] Fader, P. S. and Hardie, B. G. S. (2001). Forecasting repeat sales at CDNOW: a case study. *Interfaces*
       31(3), S94-S107.
    .. [2] Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting your customers" the easy way: an
       alternative to the Pareto/NBD model. *Marketing Science* 24(2), 275-284.

    Examples
    --------
    >>> from crmintel.datasets import load_cdnow
    >>> orders = load_cdnow()
    >>> orders.shape
    (6919, 4)
    >>> int(orders["customer_id"].nunique()), round(float(orders["amount"].sum()), 2)
    (2357, 244091.94)
    """
    check_choice(which, "which", ("sample", "master"))
    frame_module(library)
    file = installed_file("lifetimes", f"lifetimes/datasets/CDNOW_{which}.txt")
    # sample: id in the master, id in the sample, date, CDs, dollars; master: id, date, CDs, dollars under a header
    words = np.array(file.read_text(encoding="ascii").split())
    fields = words.reshape(-1, 5) if which == "sample" else words[4:].reshape(-1, 4)
    date, quantity, amount = fields[:, -3], fields[:, -2], fields[:, -1]
    iso = [f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in date.tolist()]
    columns = {
        "customer_id": fields[:, 0].astype(np.int64),
        "date": np.array(iso, dtype="datetime64[us]"),
        "quantity": quantity.astype(np.int64),
        "amount": amount.astype(np.float64),
    }
    return build_frame(columns, library)
