"""What a plugin implements: translators, segmenters, strategies, metrics, data set readers."""

from past_core.interfaces.context import Context
from past_core.interfaces.metric import Metric
from past_core.interfaces.reader import DatasetReader
from past_core.interfaces.segmenter import Segmenter
from past_core.interfaces.strategy import Prediction, Strategy
from past_core.interfaces.translator import Translator

__all__ = [
    "Context",
    "DatasetReader",
    "Metric",
    "Prediction",
    "Segmenter",
    "Strategy",
    "Translator",
]
