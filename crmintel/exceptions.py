"""Errors and warnings of crmintel.

::

    Exception
      CrmintelError
        InputError (ValueError)        a value, shape or combination that cannot be right
          ColumnError                  a column or field that is needed is not there
          UnitError                    two time units, or a time unit and a number, do not fit
          DateRangeError               a date outside the window it has to lie in
        InputTypeError (TypeError)     an object of a kind that cannot be read
        CapacityError (MemoryError)    the answer would not fit the stated budget
        MissingExtraError (ImportError)  an optional package is not installed
        SavedModelError (ValueError)   a saved model that cannot be trusted or read
    UserWarning
      CrmintelWarning
        DataWarning                    rows were set aside or ignored, with their number
        FitWarning                     a fit ended somewhere its reader should know about

Every message names the value, the bound and the way out.
"""


class CrmintelError(Exception):
    """Base of all errors that crmintel raises itself."""


class InputError(CrmintelError, ValueError):
    """A value, a shape or a combination of values that cannot be right."""


class ColumnError(InputError):
    """A column or field that is needed is not there."""


class UnitError(InputError):
    """Two time units, or a time unit and a bare number, do not fit together."""


class DateRangeError(InputError):
    """A date lies outside the window it has to lie in."""


class InputTypeError(CrmintelError, TypeError):
    """An object of a kind that cannot be read."""


class CapacityError(CrmintelError, MemoryError):
    """The answer would not fit the stated budget."""


class MissingExtraError(CrmintelError, ImportError):
    """An optional package is not installed; the message holds the pip line."""


class SavedModelError(CrmintelError, ValueError):
    """A saved model that cannot be trusted or read."""


class CrmintelWarning(UserWarning):
    """Base of all warnings that crmintel gives itself."""


class DataWarning(CrmintelWarning):
    """Rows were set aside or ignored; the message says how many and why."""


class FitWarning(CrmintelWarning):
    """A fit ended somewhere its reader should know about."""
