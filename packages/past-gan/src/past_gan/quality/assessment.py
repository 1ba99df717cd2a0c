"""The figures of a training's translators: measured on cached slices, kept as JSON, compared."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from past_core.errors import DataError
from past_gan.data.cache import cached_scans, open_cache
from past_gan.data.slices import from_network_range
from past_gan.quality.report import Quality, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from past_gan.config import QualityConfig
    from past_gan.data.cache import Stack

    Plane = npt.NDArray[np.float32]
    Translate = Callable[[Plane], Plane]

__all__ = ["Assessment", "best_step", "read_figures"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Assessment:
    """Cached scans of both contrasts on which translators are compared."""

    source: Sequence[Stack]
    real: Sequence[Stack]
    structures: Sequence[str]
    """Names of the label values 1, 2, ... of the source; a scan need not show all."""
    steps: int
    """Of the segmenters that look for the labels."""
    seed: int
    device: str

    @classmethod
    def open(
        cls, folder: Path, config: QualityConfig, structures: Sequence[str], seed: int, device: str
    ) -> Self | None:
        """Take some of the scans cached in ``folder``, evenly chosen; None if they do not suffice.

        Two labelled source scans are needed that show a structure between them, and target
        slices.
        """
        labelled = _some(cached_scans(folder / "source", labelled=True), config.cases)
        real = _some(cached_scans(folder / "target"), config.cases)
        if len(labelled) < 2 or not real:
            return None
        source, target = (
            open_cache(folder / name, numbers)
            for name, numbers in (("source", labelled), ("target", real))
        )
        if not any(stack.shows_structures for stack in source):
            return None
        return cls(source, target, structures, config.steps, seed, device)

    def measure(self, there: Translate, back: Translate | None) -> Quality | None:
        """Measure a translator of stacks ``(n, h, w)`` in [0, 255], and its way back if it has one.

        None if that fails, which is logged, whatever the reason: no training is lost for
        want of figures, nor stopped at the same step whenever it is started again.
        """
        try:
            return self._measure(there, back)
        except DataError as error:
            log.warning("no label-free figures: %s", error)
        except Exception:
            log.warning("no label-free figures", exc_info=True)
        return None

    def _measure(self, there: Translate, back: Translate | None) -> Quality:
        return measure(
            [_grey(stack) for stack in self.source],
            [np.asarray(stack.labels) for stack in self.source],
            self.structures,
            [_grey(stack) for stack in self.real],
            there=there,
            back=back,
            source_spacing=[stack.spacing for stack in self.source],
            real_spacing=[stack.spacing for stack in self.real],
            seed=self.seed,
            steps=self.steps,
            device=self.device,
        )


def read_figures(path: Path) -> Quality | None:
    """What was measured and written to a JSON file; None if nothing was."""
    if not path.is_file():
        return None
    plain: Mapping[str, Any] = json.loads(path.read_text())
    return Quality.from_json(plain)


def best_step(figures: Mapping[int, Quality | None]) -> int:
    """The step of highest score; without figures the last."""
    known = {step: quality.score for step, quality in figures.items() if quality is not None}
    return max(known, key=lambda step: (known[step], step)) if known else max(figures)


def _some(numbers: Sequence[int], count: int) -> list[int]:
    """Up to ``count`` of them, evenly chosen."""
    if len(numbers) <= count:
        return list(numbers)
    places = np.linspace(0, len(numbers) - 1, count).round().astype(int)
    return [numbers[place] for place in places]


def _grey(stack: Stack) -> Plane:
    grey: Plane = from_network_range(torch.from_numpy(np.array(stack.images))).numpy()
    return grey
