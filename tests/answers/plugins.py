"""Plugins of others that break."""

from __future__ import annotations

import textwrap

from tests.answers.place import Place, wrong

HEAD = """
import numpy as np
from past_core.interfaces import PseudoLabel
from past_core.plugins import MetricSpec, SegmenterSpec, StrategySpec, TranslatorSpec, hookimpl
from past_core.volume import Volume
from tests.core.pipeline.toys import Keep, Match, NaiveBayes, Overlap
"""

SPEC = """
@hookimpl
def past_translators():
    yield TranslatorSpec({name!r}, {summary!r}, {factory!r}, {config!r})
"""


def source(body: str = "", **changes: str) -> str:
    """A plugin that provides a translator."""
    values = {
        "name": "theirs",
        "summary": "Theirs.",
        "factory": "past_theirs:Theirs",
        "config": "tests.core.pipeline.toys:MatchConfig",
    }
    return HEAD + textwrap.dedent(body) + SPEC.format(**(values | changes))


def theirs(name: str, code: int, text: str, *says: str, options: tuple[str, ...] = ()) -> None:
    """Enter a case of a plugin that is installed and, with options, used."""

    def spoil(place: Place):
        place.distribution("past-theirs", text)
        if not options:
            return ["plugins"]
        return [
            *("pipeline", "--data", place.data, "--out", "run", "--segmenter", "bayes"),
            *("--strategy", "keep", "--rounds", "1", "--jobs", "1", *options),
        ]

    wrong("plugins", name, *says, code=code)(spoil)


USED = ("--translator", "theirs", "--metric", "iou")
FAILED = "past-theirs 1 failed to load"

theirs("fails at import", 0, "1 / 0", FAILED, "ZeroDivisionError")
theirs("ends the program at import", 0, "raise SystemExit(3)", FAILED)
theirs("cannot be parsed", 0, "def :", FAILED, "SyntaxError")
theirs("lacks a package", 0, "import nowhere", FAILED, "nowhere")
theirs("prints at import", 0, "print('hello')\n" + source(), "theirs")
theirs("has no hooks", 0, "x = 1", FAILED, "none of the hooks")
theirs("misspells a hook", 0, HEAD + "@hookimpl\ndef past_translator():\n    pass", FAILED)
theirs("gives what is no description", 0,
       HEAD + "@hookimpl\ndef past_translators():\n    yield 3", FAILED, "no descr")  # fmt: skip
theirs("fails in its hook", 0,
       HEAD + "@hookimpl\ndef past_translators():\n    1 / 0", FAILED, "ZeroDivision")  # fmt: skip
theirs("ends the program in its hook", 0,
       HEAD + "@hookimpl\ndef past_translators():\n    raise SystemExit", FAILED)  # fmt: skip
theirs("has markup in its error", 0, "raise ValueError('[/int] [red]x')", "[/int] [red]x")
theirs("has markup in its summary", 0, source(summary="[/int] [red]x"), "[/int] [red]x")
theirs("has a name twice", 1, source(name="match"), "two plugins provide the translator 'match'",
       "past-theirs", options=("--translator", "match", "--metric", "iou"))  # fmt: skip
theirs("its class is not there", 1, source(), "past_theirs:Theirs", "Reinstall", options=USED)
theirs("its settings are not there", 1, source(config="nowhere:X"), "nowhere", options=USED)
theirs("ends the program when it is made", 1, source("""
    class Theirs(Match):
        def __init__(self, config):
            raise SystemExit(0)
    """), "'theirs' of past-theirs 1 cannot be made", options=USED)  # fmt: skip
theirs("fails in its training", 1, source("""
    class Theirs(Match):
        def fit(self, source, target, labels, context):
            1 / 0
    """), "fit-aligned", "ZeroDivisionError", "log", options=USED)  # fmt: skip
theirs("ends the program in its training", 1, source("""
    class Theirs(Match):
        def fit(self, source, target, labels, context):
            raise SystemExit(0)
    """), "fit-aligned", options=USED)  # fmt: skip
theirs("translates into another size", 1, source("""
    class Theirs(Match):
        def translate(self, volume):
            return Volume(volume.data[1:], volume.affine)
    """), "theirs", options=USED)  # fmt: skip
theirs("translates into NaN", 1, source("""
    class Theirs(Match):
        def translate(self, volume):
            return Volume(volume.data * np.nan, volume.affine)
    """), "theirs", options=USED)  # fmt: skip
theirs("translates into nothing", 1, source("""
    class Theirs(Match):
        def translate(self, volume):
            return None
    """), "theirs", options=USED)  # fmt: skip
theirs("saves nothing", 1, source("""
    class Theirs(Match):
        def save(self, folder):
            pass
    """), "fit-aligned", "match.json", options=USED)  # fmt: skip

METRIC = (
    HEAD
    + """
class Theirs(Overlap):
    def __call__(self, masks):
        {body}

@hookimpl
def past_metrics():
    yield MetricSpec("theirs", "x", "{factory}", "tests.core.pipeline.toys:OverlapConfig")
"""
)
BROKEN = METRIC.format(body="return {}", factory="nowhere:X")
theirs(
    "a metric that is broken, and not chosen",
    0,
    BROKEN,
    options=("--metric", "iou", "--translator", "match"),
)
theirs(
    "a metric that is broken, and chosen",
    1,
    BROKEN,
    "theirs",
    options=("--metric", "theirs", "--translator", "match"),
)
theirs("a metric that fails", 1,
       METRIC.format(body="1 / 0", factory="past_theirs:Theirs"), "score-", "ZeroDivisionError",
       options=("--metric", "theirs", "--translator", "match"))  # fmt: skip
theirs("a metric that gives no numbers", 1,
       METRIC.format(body="return 'good'", factory="past_theirs:Theirs"), "theirs",
       options=("--metric", "theirs", "--translator", "match"))  # fmt: skip


def part(name: str, kind: str, body: str, *says: str) -> None:
    """Enter a case of a segmenter or a strategy that breaks."""
    spec, of, config = {
        "segmenter": ("SegmenterSpec", "NaiveBayes", "NaiveBayesConfig"),
        "strategy": ("StrategySpec", "Keep", "KeepConfig"),
    }[kind]
    hook = {"segmenter": "past_segmenters", "strategy": "past_strategies"}[kind]
    text = f"{HEAD}\nclass Theirs({of}):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n" + (
        f"@hookimpl\ndef {hook}():\n    yield {spec}('theirs', 'x', 'past_theirs:Theirs', "
        f"'tests.core.pipeline.toys:{config}')\n"
    )

    def spoil(place: Place):
        place.distribution("past-theirs", text)
        own = ("--segmenter", "bayes", "--strategy", "keep")
        chosen = [*own, f"--{kind}", "theirs", "--translator", "match", "--metric", "iou"]
        return ["pipeline", "--data", place.data, "--out", "run", "--jobs", "1", *chosen]

    wrong("plugins", name, "theirs", *says)(spoil)


part("a segmenter that predicts another size", "segmenter", """
    def predict(self, volume):
        return super().predict(volume)[:, 1:]
    """)  # fmt: skip
part("a segmenter that predicts NaN", "segmenter", """
    def predict(self, volume):
        return super().predict(volume) * np.nan
    """)  # fmt: skip
part("a segmenter that predicts too few classes", "segmenter", """
    def predict(self, volume):
        return super().predict(volume)[:1]
    """)  # fmt: skip
part("a strategy that gives nothing", "strategy", """
    def select(self, predictions, labels, round_number):
        return []
    """)  # fmt: skip
part("a strategy that gives a scan twice", "strategy", """
    def select(self, predictions, labels, round_number):
        for one in super().select(predictions, labels, round_number):
            yield one
            yield one
    """)  # fmt: skip
part("a strategy that gives values that are none", "strategy", """
    def select(self, predictions, labels, round_number):
        for one in super().select(predictions, labels, round_number):
            yield PseudoLabel(one.case_id, one.label + 100)
    """)  # fmt: skip
part("a strategy that gives another size", "strategy", """
    def select(self, predictions, labels, round_number):
        for one in super().select(predictions, labels, round_number):
            yield PseudoLabel(one.case_id, one.label[1:])
    """)  # fmt: skip


@wrong("plugins", "takes long to import", "waiting for the plugin of past-theirs 1", code=0)
def _(place: Place):
    place.distribution("past-theirs", "import time\ntime.sleep(4)\n" + source())
    return ["plugins"]
