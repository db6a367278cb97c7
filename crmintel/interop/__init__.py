"""Doors to other libraries: their shapes in and out, without importing them."""

from crmintel.interop import mlxtend as mlxtend

__all__ = ["mlxtend"]
