from . import datasets as datasets
from . import testing as testing
from .lifetime.bgnbd import BetaGeoNBD as BetaGeoNBD
from .lifetime.gammagamma import GammaGamma as GammaGamma
from .segments.kmeans import CustomerKMeans as CustomerKMeans
from .transactions.baskets import Baskets as Baskets
from .transactions.log import TransactionLog as TransactionLog
