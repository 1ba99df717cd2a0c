"""Which of the kept translators to use, and whether it beats those that train nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from past_core.files import write_json
from past_core.interfaces import Context
from past_core.volume import Volume
from past_gan.baselines.config import FDAConfig, HistogramConfig
from past_gan.baselines.fda import FDA
from past_gan.baselines.histogram import Histogram
from past_gan.quality.assessment import best_step, read_figures
from past_gan.training.snapshots import figures_path, kept_snapshots

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from past_core.case import Case
    from past_core.interfaces import Translator
    from past_core.labels import Labels
    from past_gan.quality.assessment import Assessment, Translate
    from past_gan.quality.report import Quality

__all__ = ["choose"]

log = logging.getLogger(__name__)


def choose(
    assessment: Assessment | None,
    source: Sequence[Case],
    target: Sequence[Case],
    labels: Labels,
    context: Context,
    *,
    axis: int,
) -> Path:
    """The kept translator of best label-free quality; the last, if there are no figures.

    ``quality.json`` in the record gets the figures of all kept translators by step, the
    step chosen, and the figures of the baselines on the same scans.

    Parameters
    ----------
    assessment
        The scans that the kept translators of ``context.folder`` were measured on; None if
        they were not measured.
    source, target, labels
        What the baselines are fitted to, as ``Translator.fit`` takes it.
    axis
        Across the slices of the assessment's scans.
    """
    kept = {int(path.stem): path for path in kept_snapshots(context.folder)}
    figures = {step: read_figures(figures_path(path)) for step, path in kept.items()}
    chosen = best_step(figures)
    best = figures[chosen]
    if best is not None and assessment is not None:
        quiet = Context(context.folder, context.seed, context.device)
        baselines: dict[str, Quality] = {}
        for translator in (Histogram(HistogramConfig()), FDA(FDAConfig())):
            translator.fit(source, target, labels, quiet)
            found = assessment.measure(_of_slices(translator, axis), None)
            if found is not None:
                baselines[translator.kind] = found
        rivals = baselines.values()
        beaten = all(best.better_than(other) for other in rivals) if rivals else None
        report = {
            "translators": {
                str(step): quality.as_json() for step, quality in figures.items() if quality
            },
            "chosen": chosen,
            "baselines": {name: quality.as_json() for name, quality in baselines.items()},
            "beats_baselines": beaten,
        }
        write_json(context.record / "quality.json", report)
        if beaten is False:
            log.warning("by its label-free figures, a translator that trains nothing does as well")
    return kept[chosen]


def _of_slices(translator: Translator, axis: int) -> Translate:
    """A translator of volumes as one of stacks of slices ``(n, h, w)`` across ``axis``."""

    def translate(stack: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        moved = translator.translate(Volume(np.moveaxis(stack, 0, axis), np.eye(4)))
        return np.moveaxis(moved.data, axis, 0)

    return translate
