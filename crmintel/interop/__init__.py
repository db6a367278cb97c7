"""Doors to other libraries: their shapes in and out, without importing them."""

from crmintel.interop import lifetimes as lifetimes
from crmintel.interop import mlxtend as mlxtend
from crmintel.interop import pymc_marketing as pymc_marketing

__all__ = ["lifetimes", "mlxtend", "pymc_marketing"]
