"""Mean teacher: a running mean of the student's weights labels target patches for it.

The teacher sees a patch as it is, the student under changed intensities, so that it learns to give
the same answer whatever the look (Tarvainen & Valpola, NeurIPS 2017; DAFormer, Hoyer et al., CVPR
2022; MAPSeg, Zhang et al., CVPR 2024). Labels are renewed in every iteration, while top-q's stay
those of the round before. With ``masked``, blocks of the student's patch are hidden, so that it
must infer them from what is around (MIC, Hoyer et al., CVPR 2023).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F  # noqa: N812  (torch's own abbreviation)

from past_core.interfaces import OnlineStrategy, Views

if TYPE_CHECKING:
    from torch import Tensor, nn

    from past_selftrain.mean_teacher.config import MeanTeacherConfig

__all__ = ["MeanTeacher"]


class MeanTeacher(OnlineStrategy):
    """Cross entropy and Dice of the student with the teacher's labels."""

    config: MeanTeacherConfig

    def __init__(self, config: MeanTeacherConfig) -> None:
        super().__init__(config)
        self.random_looks = config.looks

    def begin(self, student: nn.Module, *, warm: bool) -> None:
        """Copy the student; see ``OnlineStrategy.begin``."""
        self.teacher = copy.deepcopy(student).requires_grad_(False).eval()
        self.steps = 0
        self.warm = warm

    def loss(self, student: nn.Module, views: Views) -> Tensor:
        """Cross entropy, and 1 - Dice of the structures that the teacher finds.

        Voxels count by the teacher's confidence. The whole rises with ``ramp``.
        """
        with torch.no_grad():
            confidence, label = self.teacher(views.weak).softmax(1).max(1)
        logits = student(self._hidden(views.strong))
        weights = self._weights(confidence, logits.shape[1])
        entropy = F.cross_entropy(logits, label, reduction="none")
        mean: Tensor = (entropy * weights).sum() / weights.sum().clamp_min(1)
        rise = min(1.0, views.progress / self.config.ramp) if self.config.ramp else 1.0
        return (mean + _dice_loss(logits.softmax(1), label, weights)) * (rise * self.config.weight)

    def after_step(self, student: nn.Module) -> None:
        """Move the teacher's weights towards the student's."""
        self.steps += 1
        decay = self.config.decay
        if not self.warm:
            decay = min(decay, 1 - 1 / (self.steps + 1))
        with torch.no_grad():
            pairs = zip(self.teacher.parameters(), student.parameters(), strict=True)
            for mean, now in pairs:
                mean.lerp_(now.detach().to(mean.dtype), 1 - decay)
            buffers = zip(self.teacher.buffers(), student.buffers(), strict=True)
            for there, here in buffers:
                there.copy_(here)

    def kept(self, student: nn.Module) -> nn.Module:
        """The teacher, or the student."""
        return self.teacher if self.config.keep == "teacher" else student

    def state(self) -> dict[str, Any]:
        """The teacher's weights, and how many steps it has followed."""
        return {"teacher": self.teacher.state_dict(), "steps": self.steps}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with that teacher."""
        self.teacher.load_state_dict(state["teacher"])
        self.steps = state["steps"]

    def _weights(self, confidence: Tensor, classes: int) -> Tensor:
        """How much each voxel counts, ``(n, i, j, k)``, 0 to 1."""
        weights = (
            (confidence * classes - 1) / (classes - 1)
            if self.config.weighted
            else torch.ones_like(confidence)
        )
        return weights.clamp(0, 1) * (confidence >= self.config.confidence)

    def _hidden(self, images: Tensor) -> Tensor:
        """Images with some blocks set to 0, their mean; as they are without ``masked``."""
        if not self.config.masked:
            return images
        sides = [max(1, min(self.config.block, side // 2)) for side in images.shape[2:]]
        grid = [-(-side // block) for side, block in zip(images.shape[2:], sides, strict=True)]
        shown = torch.rand(images.shape[0], 1, *grid) >= self.config.masked
        for axis, block in enumerate(sides, start=2):
            shown = shown.repeat_interleave(block, axis)
        i, j, k = images.shape[2:]
        return images * shown[:, :, :i, :j, :k].to(images)


def _dice_loss(probabilities: Tensor, label: Tensor, weights: Tensor) -> Tensor:
    """Mean of 1 - Dice over the structures in ``label``; 0 if there is none.

    Parameters
    ----------
    probabilities
        ``(n, c, i, j, k)``.
    label, weights
        ``(n, i, j, k)``.
    """
    losses = []
    for value in range(1, probabilities.shape[1]):
        wanted = (label == value) * weights
        if float(wanted.sum()) > 0:
            found = probabilities[:, value] * weights
            shared = (probabilities[:, value] * wanted).sum()
            losses.append(1 - 2 * shared / (wanted.sum() + found.sum()).clamp_min(1e-6))
    return torch.stack(losses).mean() if losses else probabilities.new_zeros(())
