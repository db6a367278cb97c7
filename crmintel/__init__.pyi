from . import datasets as datasets
from . import testing as testing
from .transactions.baskets import Baskets as Baskets
