"""A validator rates every candidate on every scan, and does not praise finding nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from past_core.case import Case, Domain
from past_core.interfaces.context import silent
from past_core.testing.cases import LABELS, tiny_cases
from past_core.testing.promises import expect

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from past_core.config import PluginConfig
    from past_core.interfaces import Figures, Validator
    from past_core.volume import Volume

__all__ = ["check_validator"]

SURE = 0.9
"""Probability that candidates give to the class that they take a voxel for."""


def check_validator(factory: type[Validator], config: PluginConfig, folder: Path) -> None:
    """Check a validator against ``past_core.interfaces.Validator``.

    Three candidates segment tiny target scans: one rightly, one a little shifted, one finds
    nothing at all.

    Parameters
    ----------
    factory
        The class that the plugin's description names.
    config
        Its configuration.
    folder
        An empty scratch folder.

    Raises
    ------
    AssertionError
        Saying which promise was broken.
    """
    who = factory.__name__
    source = tiny_cases(folder / "source")
    labelled = tiny_cases(folder / "target", Domain.TARGET, seed=10)
    truth = {case.id: case.load_label().data for case in labelled}
    scans = [Case(case.id, case.domain, case.image) for case in labelled]
    candidates = [_Candidate(name, truth) for name in ("right", "shifted", "nothing")]

    def assess() -> Figures:
        return factory(config).assess(candidates, scans, source, LABELS, silent)

    figures = assess()
    names = {candidate.name for candidate in candidates}
    expect(set(figures) == names, f"{who}: figures of {sorted(figures)}, not of {sorted(names)}")
    for name, values in figures.items():
        expect(
            set(values) == set(truth),
            f"{who}: {name} has figures of {sorted(values)}, not of {sorted(truth)}",
        )
        expect(
            all(isinstance(value, float) and not math.isinf(value) for value in values.values()),
            f"{who}: {name} has figures {list(values.values())}; expected finite floats, or nan",
        )
    expect(assess() == figures, f"{who}: assessing twice gives different figures")
    for scan in scans:
        right, nothing = figures["right"][scan.id], figures["nothing"][scan.id]
        expect(
            not nothing > right,
            f"{who}: a candidate that segments nothing ({nothing:.3g}) is above one that segments "
            f"rightly ({right:.3g})",
        )


@dataclass(frozen=True)
class _Candidate:
    """See ``past_core.interfaces.Candidate``; of a mirrored scan it finds the mirrored."""

    name: str
    truth: dict[str, npt.NDArray[np.uint8]] = field(repr=False)

    def classes(self, scan: Case) -> npt.NDArray[np.uint8]:
        found = self.truth[scan.id]
        if self.name == "shifted":
            return np.roll(found, 1, axis=1)
        return found if self.name == "right" else np.zeros_like(found)

    def probabilities(self, scan: Case) -> npt.NDArray[np.float32]:
        rest = (1 - SURE) / (LABELS.count - 1)
        values = np.arange(LABELS.count)[:, None, None, None]
        return np.where(values == self.classes(scan), SURE, rest).astype(np.float32)

    def segment(self, scan: Case, volume: Volume) -> npt.NDArray[np.uint8]:
        image, found = scan.load_image().data, self.classes(scan)
        for axis in range(3):
            if np.array_equal(np.flip(image, axis), volume.data):
                return np.flip(found, axis)
        return found
