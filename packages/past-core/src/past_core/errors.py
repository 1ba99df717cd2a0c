"""The errors that PAST raises on purpose.

Each message names the file or key, the value found, and the remedy. The command
line prints them without a traceback; every other exception is a defect of ours.
"""


class PastError(Exception):
    """Base of all errors that a user can act upon."""


class DataError(PastError):
    """A data set, an image or a label file is not what it must be."""


class ConfigError(PastError):
    """A recipe, a ``--set`` override or an option has a wrong key or value."""


class StageError(PastError):
    """A stage of a run failed for a reason that nobody foresaw; the cause is in its log."""


class PluginError(PastError):
    """A plugin is unknown, ambiguous, broken or not installed."""
