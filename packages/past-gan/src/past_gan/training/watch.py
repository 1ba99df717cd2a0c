"""Watching a training for the ways in which GANs fail: divergence and collapse."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from past_core.errors import ConfigError
from past_gan.data.slices import from_network_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from past_gan.data.patches import PatchSampler
    from past_gan.training.model import TranslationModel

__all__ = ["TrainingError", "Watch", "collapse", "evaluating", "require_finite"]

PROBES = 4
"""At least so many source patches, in whole batches, are translated at every look."""
FLAT = 0.1
"""Translations with less than this part of the target's deviation are blank."""
SAME = 0.05
"""Translations that differ by less than this part of what their sources differ by are one."""
PATIENCE = 0.25
"""Portion of the iterations in which a translator may still look collapsed."""


class TrainingError(ConfigError):
    """A training that cannot go on: it diverged, or its translations collapsed."""


class Watch:
    """Looks at translations of the same few patches throughout a training.

    Parameters
    ----------
    samplers
        Of source and target patches.
    iterations
        Steps of the training.
    """

    def __init__(self, samplers: Sequence[PatchSampler], iterations: int) -> None:
        self.patience = PATIENCE * iterations
        # Patches of steps that the training never comes to.
        self.source, self.target = (
            torch.cat([s.batch(iterations + n).images for n in range(-(-PROBES // s.batch_size))])
            for s in samplers
        )

    def look(self, model: TranslationModel, step: int) -> npt.NDArray[np.uint8]:
        """Translate the probes; a panel ``(height, width)`` of them.

        Rows: source, its translation, its way back (if the model has one), and target
        patches.

        Raises
        ------
        TrainingError
            If translations, or what comes back of them, collapsed; from a quarter of the
            iterations on.
        """
        source, target = (x.to(model.runtime.device) for x in (self.source, self.target))
        with torch.no_grad(), evaluating(model):
            translated = model.finished(source)
            back = [model.returning(translated)] if model.returning is not None else []
        named = collapse(source, translated, target)
        for returned in back:
            # Source patches must come back with the source's deviation.
            of_back = collapse(source, returned, source)
            named = named or (of_back and f"on the way back {of_back}")
        if named and step >= self.patience:
            raise TrainingError(
                f"translator training collapsed by step {step}: {named}. Lower learning_rate, "
                f"{model.remedy}."
            )
        rows = [_row(images) for images in (self.source, translated, *back, self.target)]
        return np.concatenate(rows)


def collapse(source: Tensor, translated: Tensor, target: Tensor) -> str:
    """Name what is wrong with translations ``(n, c, h, w)``; empty if nothing is.

    They may hold numbers that are not finite, be blank, or all alike whatever their
    sources are.
    """
    if not translated.isfinite().all():
        return "translations are not finite numbers"
    deviation = float(translated.flatten(1).std(1).mean() / target.flatten(1).std(1).mean())
    if deviation < FLAT:
        return f"translations are blank, with {deviation:.3f} of the target's deviation"
    difference = float(_spread(translated) / _spread(source).clamp_min(1e-6))
    if difference < SAME:
        return f"translations are all alike, {difference:.3f} as different as their sources"
    return ""


def require_finite(values: Mapping[str, float], step: int) -> None:
    """Raise ``TrainingError`` if a loss of this step is not a finite number."""
    bad = {name: value for name, value in values.items() if not math.isfinite(value)}
    if bad:
        raise TrainingError(
            f"translator training diverged at step {step}: {bad}. "
            "Lower learning_rate, or set precision to float32."
        )


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Within this context a model is in evaluation mode."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


def _spread(images: Tensor) -> Tensor:
    """Mean absolute difference from the mean image."""
    return (images - images.mean(0)).abs().mean()


def _row(images: Tensor) -> npt.NDArray[np.uint8]:
    """Middle channels side by side, first in-plane axis to the right, second upwards."""
    middle = from_network_range(images.float().cpu())[:, images.shape[1] // 2]
    tiles = [tile.numpy().T[::-1] for tile in middle]
    return np.concatenate(tiles, axis=1).round().astype(np.uint8)
