"""Tiny synthetic cases and predictions, written to disk as the pipeline writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.case import Case, Domain
from past_core.interfaces import Prediction
from past_core.labels import Labels
from past_core.volume import Volume, save_volume

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["LABELS", "tiny_cases", "tiny_predictions", "tiny_volume"]

LABELS = Labels(("ball", "shell"))
"""A ball, and a thick shell around another one: the structures of the tiny cases."""

Shape = tuple[int, int, int]

_SIGNAL = {Domain.SOURCE: (60, 230, 120), Domain.TARGET: (150, 40, 240)}
"""Intensity of background, ball and shell in each contrast."""


def tiny_volume(
    domain: Domain = Domain.SOURCE,
    shape: Shape = (32, 32, 16),
    seed: int = 0,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.5),
) -> tuple[Volume, Volume]:
    """One scan and its label, canonical (RAS+), as after the crop.

    Returns
    -------
    Volume
        Image ``(i, j, k)``, float32 in [0, 255], with noise.
    Volume
        Label of ``LABELS``, uint8.
    """
    generator = np.random.default_rng(seed)
    label = _label(shape, generator)
    image = np.array(_SIGNAL[domain], np.float32)[label]
    image += generator.normal(0, 8, shape).astype(np.float32)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = generator.uniform(-50, 50, 3).round(1)
    return Volume(image.clip(0, 255), affine), Volume(label, affine)


def tiny_cases(
    folder: Path,
    domain: Domain = Domain.SOURCE,
    count: int = 2,
    shape: Shape = (32, 32, 16),
    seed: int = 0,
    *,
    labelled: bool = True,
    ignored: float = 0.0,
) -> tuple[Case, ...]:
    """Write scans to ``folder``, each of its own anatomy.

    Parameters
    ----------
    ignored
        Portion of voxels whose label is ``LABELS.ignore``, as in pseudo-labels.
    """
    cases = []
    for number in range(count):
        image, label = tiny_volume(domain, shape, seed + number)
        name = f"{domain}_{seed + number}"
        image_path, label_path = folder / f"{name}_image.nii.gz", folder / f"{name}_label.nii.gz"
        save_volume(image, image_path)
        if labelled:
            unsure = np.random.default_rng(seed + number).random(shape) < ignored
            kept = np.where(unsure, np.uint8(LABELS.ignore), label.data)
            save_volume(Volume(kept, label.affine), label_path)
        cases.append(Case(name, domain, image_path, label_path if labelled else None))
    return tuple(cases)


def tiny_predictions(
    folder: Path,
    count: int = 3,
    labels: Labels = LABELS,
    shape: Shape = (12, 10, 8),
    seed: int = 0,
    *,
    absent: str | None = None,
    teachers: int = 1,
) -> tuple[Prediction, ...]:
    """Write scans, and class probabilities as float16: mostly sure, some voxels at exactly 1.

    Every other case, the first among them, is of the source. Probabilities are drawn at random,
    whatever the scan shows.

    Parameters
    ----------
    absent
        A structure that is predicted nowhere.
    teachers
        How many files each has; they differ a little.
    """
    folder.mkdir(parents=True, exist_ok=True)
    predictions = []
    for number in range(count):
        generator = np.random.default_rng(seed + number)
        logits = generator.normal(0, 5, (labels.count, *shape))
        name, paths = f"case_{seed + number}", []
        for teacher in range(teachers):
            logits += 0 if teacher == 0 else generator.normal(0, 1, logits.shape)
            if absent is not None:
                logits[labels.value(absent)] = -100
            powers = np.exp(logits - logits.max(axis=0))
            paths.append(folder / (f"{name}_{teacher}.npy" if teacher else f"{name}.npy"))
            np.save(paths[-1], (powers / powers.sum(axis=0)).astype(np.float16))
        domain = list(Domain)[number % 2]
        image = folder / f"{name}_image.nii.gz"
        save_volume(tiny_volume(domain, shape, seed + number)[0], image)
        predictions.append(Prediction(name, tuple(paths), domain, image))
    return tuple(predictions)


def _label(shape: Shape, generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Both structures at random places, apart from each other along the first axis."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    radius = min(shape) / 4
    label = np.zeros(shape, np.uint8)
    for value, (low, high) in ((1, (0.2, 0.3)), (2, (0.7, 0.8))):
        fractions = [generator.uniform(low, high), *generator.uniform(0.4, 0.6, 2)]
        distance = np.linalg.norm(grid - np.multiply(fractions, shape), axis=-1)
        inner = 0.4 * radius if value == 2 else -1.0
        label[(distance <= radius) & (distance > inner)] = value
    return label
