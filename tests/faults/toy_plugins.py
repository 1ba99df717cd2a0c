"""The pipeline's toy plugins, with a translator whose figures the command line can show."""

from __future__ import annotations

import os
import time
from pathlib import Path

from past_core.files import write_json
from past_core.plugins import Registry, TranslatorSpec, hookimpl
from tests.core.pipeline import toys

__all__ = ["registry"]


class Gauged(toys.Match):
    """Matches moments, and measures nothing in many words; takes as long as it is told to."""

    def fit(self, source, target, labels, context):
        while "TOY_WAITS" in os.environ and not Path(os.environ["TOY_WAITS"]).exists():
            time.sleep(0.005)
        super().fit(source, target, labels, context)

    def measure(self, source, target, labels, context):
        write_json(
            context.record / "quality.json",
            {"chosen": 0, "translators": {}, "baselines": {}, "beats_baselines": None},
        )


class Plugins(toys.Plugins):
    @hookimpl
    def past_translators(self):
        own = f"{__name__}:Gauged", f"{toys.__name__}:MatchConfig"
        yield TranslatorSpec("gauged", "Match moments, and measure.", *own, measures=True)


def registry() -> Registry:
    """The toys, and core's own data sets."""
    return Registry({"small-plugins": Plugins(), "past-core": toys.DataSets})
