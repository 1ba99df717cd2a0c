"""How much each voxel of a label counts in the loss, from a case's file to nnU-Net's loss.

nnU-Net knows images and labels. Weights travel with a patch as a second channel of its image, as
*weight - 1*, so that what is padded beyond a volume counts fully, as without weights. Transforms
of space move and mirror them with the image; those of intensity do not see them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
from torch.nn import functional as F  # noqa: N812  (torch's own abbreviation)

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    from past_core.case import Case

__all__ = ["ShowWeights", "SplitWeights", "WeightedLoss", "as_channel"]


def as_channel(
    case: Case,
    shape: Sequence[int],
    box: Sequence[Sequence[int]],
    forward: Sequence[int],
) -> npt.NDArray[np.float32]:
    """A case's voxel weights - 1 on the grid of its preprocessed image, ``(1, x, y, z)``.

    Parameters
    ----------
    case
        One without weights counts fully: all are 0.
    shape
        Of the preprocessed image.
    box
        What nnU-Net cropped to, in voxels of its axes.
    forward
        nnU-Net's order of axes.

    Raises
    ------
    DataError
        If weights lie on another grid than their image, or are not between 0 and 1.
    """
    weights = case.load_voxel_weights()
    if weights is None:
        return np.zeros((1, *shape), np.float32)
    image = case.load_image()
    low, high = float(weights.data.min()), float(weights.data.max())
    if weights.shape != image.shape or not (low >= 0 and high <= 1):
        raise DataError(
            f"{case.voxel_weights}: voxel weights of shape {weights.shape} from {low:g} to "
            f"{high:g}; they must lie between 0 and 1 on the grid of {case.image}, "
            f"{image.shape}. Select anew."
        )
    # nnU-Net's readers give arrays as (z, y, x).
    array = weights.canonical().data.transpose(2, 1, 0).transpose(forward)
    cropped = array[tuple(slice(*edges) for edges in box)]
    tensor = torch.from_numpy(np.ascontiguousarray(cropped, np.float32))[None, None]
    resampled = F.interpolate(tensor, size=tuple(shape), mode="trilinear")
    return np.asarray(resampled[0].clamp(0, 1)) - np.float32(1)


class SplitWeights(BasicTransform):  # type: ignore[misc]
    """Takes the second channel of ``image`` out of the way of what changes intensities.

    It becomes nnU-Net's ``regression_target``, which is turned, scaled and mirrored as the image.
    """

    def apply(self, data_dict: dict[str, Tensor], **_: object) -> dict[str, Tensor]:
        """Split ``image`` ``(2, i, j, k)``."""
        image = data_dict["image"]
        return {**data_dict, "image": image[:1], "regression_target": image[1:]}


class ShowWeights(BasicTransform):  # type: ignore[misc]
    """Puts the weights, from 0 to 1 now, behind the image, since batches have no other place."""

    def apply(self, data_dict: dict[str, Tensor], **_: object) -> dict[str, Tensor]:
        """Join ``image`` and ``regression_target`` ``(1, i, j, k)``."""
        weights = (data_dict.pop("regression_target") + 1).clamp(0, 1)
        return {**data_dict, "image": torch.cat([data_dict["image"], weights])}


class WeightedLoss(torch.nn.Module):
    """Dice and cross entropy as nnU-Net's, in which each voxel counts by its weight.

    Parameters
    ----------
    loss
        nnU-Net's ``DC_and_CE_loss``.
    """

    def __init__(self, loss: Any) -> None:  # noqa: ANN401  (nnU-Net is untyped)
        super().__init__()
        self.dice = loss.dc
        self.ignore = loss.ignore_label
        self.weights: Tensor | None = None
        """Of the batch at hand, ``(n, 1, i, j, k)`` at full resolution."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Of logits ``(n, c, i, j, k)`` and labels ``(n, 1, i, j, k)``, at any resolution."""
        assert self.weights is not None, "set weights first"
        i, j, k = output.shape[2:]
        weights = F.adaptive_avg_pool3d(self.weights.to(output.device), (i, j, k))
        labels = target.long()
        if self.ignore is not None:
            known = labels != self.ignore
            weights = weights * known
            labels = torch.where(known, labels, 0)
        dice: Tensor = self.dice(output, labels, loss_mask=weights)
        entropy = F.cross_entropy(output, labels[:, 0], reduction="none")
        total = weights.sum().clamp_min(1)  # a patch in which nothing counts teaches nothing
        return dice + (entropy * weights[:, 0]).sum() / total
