"""Customer intelligence: from a transaction log to one row per customer.

The names below are loaded when they are first used; importing the package costs next to nothing.
"""

import lazy_loader as _lazy

from crmintel._version import __version__

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
__all__ = [*__all__, "__version__"]
