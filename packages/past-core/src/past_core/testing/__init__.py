"""Conformance checks: whether a plugin keeps what its interface promises.

Each check builds tiny cases in a scratch folder, runs the plugin on them the way the
pipeline does, and raises ``AssertionError`` with the promise that was broken. They need
no pytest. ``check_distribution`` checks all plugins of an installed distribution; one by one they
read::

    from past_core.testing import check_module, check_spec, check_translator

    from my_package.invert import Invert, InvertConfig
    from my_package.plugin import past_translators


    def test_describing_the_plugin_is_light():
        check_module("my_package.plugin")
        for spec in past_translators():
            check_spec(spec)


    def test_invert_is_a_translator(tmp_path):
        check_translator(Invert, InvertConfig(), tmp_path)

Give trainable plugins a configuration that trains for a few iterations: each check
trains two or three times.
"""

from past_core.testing.cases import LABELS, tiny_cases, tiny_predictions, tiny_volume
from past_core.testing.distribution import check_distribution
from past_core.testing.metric import check_metric
from past_core.testing.online import check_online_strategy
from past_core.testing.reader import check_reader
from past_core.testing.segmenter import check_segmenter
from past_core.testing.spec import check_module, check_spec
from past_core.testing.strategy import check_strategy
from past_core.testing.translator import check_translator
from past_core.testing.validator import check_validator

__all__ = [
    "LABELS",
    "check_distribution",
    "check_metric",
    "check_module",
    "check_online_strategy",
    "check_reader",
    "check_segmenter",
    "check_spec",
    "check_strategy",
    "check_translator",
    "check_validator",
    "tiny_cases",
    "tiny_predictions",
    "tiny_volume",
]
