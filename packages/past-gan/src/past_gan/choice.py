"""Which of the kept translators to use, and whether it beats those that train nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from past_core.files import write_json
from past_core.interfaces import Context
from past_core.volume import Volume
from past_gan.baselines.config import FDAConfig, HistogramConfig
from past_gan.baselines.fda import FDA
from past_gan.baselines.histogram import Histogram
from past_gan.quality.assessment import best_step, read_figures
from past_gan.snapshots import figures_path, kept_snapshots

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from past_core.case import Case
    from past_core.labels import Labels
    from past_gan.baselines.baseline import Baseline
    from past_gan.job import Job
    from past_gan.quality.report import Quality

__all__ = ["choose"]

log = logging.getLogger(__name__)


def choose(
    job: Job, source: Sequence[Case], target: Sequence[Case], labels: Labels, context: Context
) -> Path:
    """The kept translator of best label-free quality; the last, if there are no figures.

    ``quality.json`` in the record gets the figures of all kept translators by step, the
    step chosen, and the figures of the baselines on the same scans.
    """
    kept = {int(path.stem): path for path in kept_snapshots(context.folder)}
    figures = {step: read_figures(figures_path(path)) for step, path in kept.items()}
    chosen = best_step(figures)
    best = figures[chosen]
    if best is not None:
        baselines = _baselines(job, source, target, labels, context)
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


def _baselines(
    job: Job, source: Sequence[Case], target: Sequence[Case], labels: Labels, context: Context
) -> dict[str, Quality]:
    assessment = job.assessment(context.device)
    assert assessment is not None
    translators: tuple[Baseline, ...] = (Histogram(HistogramConfig()), FDA(FDAConfig()))
    quiet = Context(context.folder, context.seed, context.device)
    found = {}
    for translator in translators:
        translator.fit(source, target, labels, quiet)

        def there(
            stack: npt.NDArray[np.float32],
            translator: Any = translator,  # noqa: ANN401
        ) -> npt.NDArray[np.float32]:
            scan = Volume(np.moveaxis(stack, 0, job.axis), np.eye(4))
            moved: npt.NDArray[np.float32] = translator.translate(scan).data
            return np.moveaxis(moved, job.axis, 0)

        figures = assessment.measure(there, None)
        if figures is not None:
            found[translator.kind] = figures
    return found
