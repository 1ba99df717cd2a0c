"""PAST's common ground: volumes, cases, data sets, interfaces, plugins and the pipeline.

Importing this package imports no deep-learning framework; what needs one (the
metrics) sits behind the extra ``past-core[metrics]`` and is loaded when used.
"""

from past_core.case import Case
from past_core.dataset import Dataset
from past_core.errors import ConfigError, DataError, PastError, PluginError
from past_core.labels import Labels
from past_core.roi import ROI
from past_core.volume import Volume, load_volume, save_volume

__all__ = [
    "ROI",
    "Case",
    "ConfigError",
    "DataError",
    "Dataset",
    "Labels",
    "PastError",
    "PluginError",
    "Volume",
    "load_volume",
    "save_volume",
]
