"""What a plugin implements: translators, segmenters, strategies, validators, metrics, readers."""

from past_core.interfaces.context import Context, Progress
from past_core.interfaces.metric import Metric
from past_core.interfaces.online import OnlineStrategy, Unlabelled, Views
from past_core.interfaces.reader import DatasetReader
from past_core.interfaces.segmenter import Segmenter
from past_core.interfaces.strategy import (
    Prediction,
    PseudoLabel,
    Strategy,
    mean_probabilities,
)
from past_core.interfaces.translator import Translator
from past_core.interfaces.validator import Candidate, Figures, Validator

__all__ = [
    "Candidate",
    "Context",
    "DatasetReader",
    "Figures",
    "Metric",
    "OnlineStrategy",
    "Prediction",
    "Progress",
    "PseudoLabel",
    "Segmenter",
    "Strategy",
    "Translator",
    "Unlabelled",
    "Validator",
    "Views",
    "mean_probabilities",
]
