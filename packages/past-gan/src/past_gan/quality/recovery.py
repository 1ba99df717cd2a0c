"""What a segmenter makes of translated scans: whether it finds the labels they came with.

Two segmenters are trained, each on one half of the translated scans with their source
labels. Two figures follow, a structure:

- *Recovery*: Dice of each segmenter on the other half. Low if the translator erased,
  moved or blurred the structure. It says nothing of the looks: source scans as they are
  may score best.
- *Agreement*: Dice between both segmenters on real target scans, which needs no labels.
  Networks trained apart agree as often as they are right (Jiang et al. 2022, "Assessing
  generalization of SGD via disagreement"; Baek et al. 2022, "Agreement-on-the-line", also
  under shift of domain). Low if real structures look different from translated ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    Scan = npt.NDArray[np.floating]
    Mask = npt.NDArray[np.integer]

__all__ = ["Recovery", "pooled_dice", "recover_labels"]


@dataclass(frozen=True)
class Recovery:
    """Dice by structure, 0 to 1; nan for a structure that no source scan has."""

    recovery: dict[str, float]
    """On translated scans of the other half, against their labels."""
    agreement: dict[str, float]
    """Between both segmenters on real target scans; nan if there are none."""


def recover_labels(
    translated: Sequence[Scan],
    labels: Sequence[Mask],
    structures: Sequence[str],
    real: Sequence[Scan] = (),
    *,
    seed: int = 0,
    steps: int = 300,
    device: str = "cpu",
) -> Recovery:
    """Train on each half of the translated scans, test on the other and on real ones.

    Parameters
    ----------
    translated, labels
        ``(n, h, w)`` each, scan by scan of the same shape: grey levels, and label values.
        Even and odd scans are the halves.
    structures
        Names of the label values 1, 2, ...
    real
        ``(n, h, w)`` each; no labels needed.
    steps
        Of each segmenter.

    Raises
    ------
    DataError
        If there are fewer than two scans, or scans and labels do not fit.
    """
    # Its parts come from MONAI, which is slow to import and not needed to translate.
    from past_gan.quality.segmenter import train_segmenter  # noqa: PLC0415

    _check(translated, labels, len(structures))
    halves = [list(range(start, len(translated), 2)) for start in (0, 1)]
    first, second = (
        train_segmenter(
            [translated[n] for n in half],
            [labels[n] for n in half],
            len(structures) + 1,
            seed=seed,
            steps=steps,
            device=device,
        )
        for half in halves
    )
    found = [(second if n % 2 == 0 else first)(scan) for n, scan in enumerate(translated)]
    pairs = [(first(scan), second(scan)) for scan in real]
    recovery, agreement = {}, {}
    for value, name in enumerate(structures, start=1):
        known = any((label == value).any() for label in labels)
        recovery[name] = pooled_dice(zip(found, labels, strict=True), value) if known else math.nan
        agreement[name] = pooled_dice(pairs, value) if known and pairs else math.nan
    return Recovery(recovery, agreement)


def pooled_dice(pairs: Iterable[tuple[Mask, Mask]], value: int) -> float:
    """Dice of a label value over the voxels of all scans together, 0 to 1.

    Pooled, so that a scan without the structure needs no rule. Found by neither in any
    scan counts as 0: the structure is known to exist.
    """
    overlap = total = 0
    for one, other in pairs:
        overlap += int(((one == value) & (other == value)).sum())
        total += int((one == value).sum()) + int((other == value).sum())
    return 2 * overlap / total if total else 0.0


def _check(scans: Sequence[Scan], labels: Sequence[Mask], highest: int) -> None:
    if len(scans) < 2 or len(scans) != len(labels):
        raise DataError(
            f"{len(scans)} translated scans with {len(labels)} labels: label recovery needs "
            "two scans or more, each with its label."
        )
    for number, (scan, label) in enumerate(zip(scans, labels, strict=True)):
        if scan.shape != label.shape or scan.ndim != 3 or not label.size:
            raise DataError(
                f"scan {number} is {scan.shape}, its label {label.shape}: both must be "
                "(n, h, w). Take slices of both along the same axis."
            )
        if label.min() < 0 or label.max() > highest:
            raise DataError(
                f"label {number} has values {label.min()} to {label.max()}, but {highest} "
                "structures are named. Name all of them in the order of their values."
            )
