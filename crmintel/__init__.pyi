from . import datasets as datasets
from . import testing as testing
