"""Real baskets for the tests of patterns."""

from __future__ import annotations

import gzip
from functools import cache

import pytest

from crmintel import Baskets

FILES = {
    "retail": "retail.dat.gz",
    "T10I4D100K": "T10I4D100K.dat.gz",
    "mushroom": "mushroom.dat.gz",
    "chess": "chess.dat.gz",
    "bms1": "bms_webview1.dat.gz",
    "foodmart": "foodmart_fim.dat.gz",
    "groceries": "groceries.csv.gz",
    "adult": "adult.tsv.gz",
}


@pytest.fixture(scope="session")
def real_baskets(shared_data):
    """A function from the name of a data set to its baskets."""

    @cache
    def load(name):
        separator = {"csv": ",", "tsv": "\t"}.get(FILES[name].split(".")[1])
        with gzip.open(shared_data / "baskets" / FILES[name], "rt") as file:
            lines = [line.rstrip("\n") for line in file]
        return Baskets.from_lists([line.split(separator) if line else [] for line in lines])

    return load
