"""The errors that PAST raises on purpose.

Each message names the file or key, the value found, and the remedy. The command
line prints them without a traceback; every other exception is a defect of ours.
"""

LONGEST = 3500
"""Characters of a message; one that quotes a damaged file could have millions."""


class PastError(Exception):
    """Base of all errors that a user can act upon.

    Of a message too long to be read, start and end are kept: what it is about, and the remedy.
    """

    def __init__(self, message: str) -> None:
        if len(message) > LONGEST:
            message = f"{message[: LONGEST - 600]} [...] {message[-500:]}"
        super().__init__(message)


class DataError(PastError):
    """A data set, an image or a label file is not what it must be."""


class ConfigError(PastError):
    """A recipe, a ``--set`` override or an option has a wrong key or value."""


class StageError(PastError):
    """A stage of a run failed for a reason that nobody foresaw; the cause is in its log."""


class PluginError(PastError):
    """A plugin is unknown, ambiguous, broken or not installed."""
