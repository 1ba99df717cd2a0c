"""Whether a translator beats those that train nothing, by figures without target labels."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from past_core.files import write_json
from past_core.volume import Volume
from past_gan.baselines.config import FDAConfig, HistogramConfig
from past_gan.baselines.fda import FDA
from past_gan.baselines.histogram import Histogram
from past_gan.quality.report import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from past_core.interfaces import Translator
    from past_gan.quality.assessment import Assessment, Translate

__all__ = ["compare"]

log = logging.getLogger(__name__)


def compare(
    known: Mapping[str, Any],
    assessment: Assessment,
    fit: Callable[[Translator], None],
    path: Path,
    *,
    axis: int,
) -> None:
    """Write a translator's figures and those of the baselines as JSON.

    Parameters
    ----------
    known
        As ``choose`` gives it; something was measured.
    assessment
        The scans that it was measured on, on which the baselines are measured too.
    fit
        Fits a baseline to what the translator was fitted to.
    path
        Of the file.
    axis
        Across the slices of the assessment's scans.
    """
    found: dict[str, Quality] = {}
    for translator in (Histogram(HistogramConfig()), FDA(FDAConfig())):
        fit(translator)
        quality = assessment.measure(_of_slices(translator, axis), None)
        if quality is not None:
            found[translator.kind] = quality
    best = Quality.from_json(known["translators"][str(known["chosen"])])
    beaten = all(best.better_than(other) for other in found.values()) if found else None
    baselines = {name: quality.as_json() for name, quality in found.items()}
    report = {**known, "baselines": baselines, "beats_baselines": beaten}
    write_json(path, report)
    if beaten is False:
        log.warning("by its label-free figures, a translator that trains nothing does as well")


def _of_slices(translator: Translator, axis: int) -> Translate:
    """A translator of volumes as one of stacks of slices ``(n, h, w)`` across ``axis``."""

    def translate(stack: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        moved = translator.translate(Volume(np.moveaxis(stack, 0, axis), np.eye(4)))
        return np.moveaxis(moved.data, axis, 0)

    return translate
