"""Random looks for training images: shallow convolutions with random weights.

A segmenter that sees each patch in many random contrasts learns shape and place rather than
one brightness (GIN: Ouyang et al., IEEE TMI 2022). With a random convolution of its own for
each structure, the contrast between structures changes too (SRCSM: Thaler et al. 2025; SLAug:
Su et al., AAAI 2023).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
from torch.nn import functional as F  # noqa: N812  (torch's own abbreviation)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["RandomLook", "random_convolution", "random_look", "random_structures"]

LAYERS = 4
CHANNELS = 2
"""Between the layers."""
KERNELS = (1, 3)
"""Each layer draws its size; the same along all axes."""
SLOPE = 0.01
"""Of the leaky rectification between layers."""


class RandomLook(BasicTransform):  # type: ignore[misc]
    """``random_look`` as one of nnU-Net's augmentations of a patch.

    Parameters
    ----------
    convolution, structures
        Shares of patches, see ``random_look``.
    ignore
        Label value that marks voxels left out of training, if there is one.
    """

    def __init__(self, convolution: float, structures: float, ignore: int | None = None) -> None:
        super().__init__()
        self.ignore = ignore
        self.convolution = convolution
        self.structures = structures

    def apply(self, data_dict: dict[str, Tensor], **_: object) -> dict[str, Tensor]:
        """Give ``image`` ``(1, i, j, k)`` a random look, by ``segmentation`` of that shape."""
        image, label = data_dict["image"][None], data_dict["segmentation"][None]
        if self.ignore is not None:
            # What was not kept of pseudo-labels is no structure: an edge there would be a hint.
            label = torch.where(label == self.ignore, 0, label)
        look = random_look(image, label, self.convolution, self.structures)[0]
        return {**data_dict, "image": look}


def random_look(images: Tensor, labels: Tensor, convolution: float, structures: float) -> Tensor:
    """Give some images of a batch a random look; the others stay as they are.

    Draws come from torch's global generator of the CPU, whatever the device.

    Parameters
    ----------
    images
        ``(n, 1, i, j, k)``, with a mean near 0 and a standard deviation near 1.
    labels
        ``(n, 1, i, j, k)`` of the same patches; what is below 1 is background.
    convolution
        Share of images that pass one random convolution.
    structures
        Share of images in which every label passes one of its own; the two sum up to 1 at most.
    """
    result = []
    for image, label in zip(images, labels, strict=True):
        chance = float(torch.rand(()))
        if chance < convolution:
            result.append(random_convolution(image[None])[0])
        elif chance < convolution + structures:
            result.append(random_structures(image[None], label[None])[0])
        else:
            result.append(image)
    return torch.stack(result)


def random_convolution(images: Tensor) -> Tensor:
    """Pass images ``(n, 1, i, j, k)`` through one random network, mixed with themselves.

    The mixture's weight is uniform in [0, 1]; its norm is that of the input (GIN, equation 3).
    """
    return _mixed(images, _convolved(images))


def random_structures(images: Tensor, labels: Tensor) -> Tensor:
    """As ``random_convolution``, with a network for each label of the patch, background too.

    Parameters
    ----------
    images, labels
        ``(n, 1, i, j, k)``.
    """
    found = _convolved(images)
    for label in torch.unique(labels):
        if label > 0:
            found = torch.where(labels == label, _convolved(images), found)
    return _mixed(images, found)


def _convolved(images: Tensor) -> Tensor:
    """Of one random network; every layer's weights and shifts are normally distributed."""
    x = images
    for layer in range(LAYERS):
        size = KERNELS[int(torch.randint(len(KERNELS), ()))]
        outputs = CHANNELS if layer < LAYERS - 1 else 1
        weight = torch.randn(outputs, x.shape[1], size, size, size)
        shift = torch.randn(outputs)
        x = F.conv3d(x, weight.to(x), shift.to(x), padding=size // 2)
        if layer < LAYERS - 1:
            x = F.leaky_relu(x, SLOPE)
    return _as_large(x, images)


def _mixed(images: Tensor, others: Tensor) -> Tensor:
    share = torch.rand(()).to(images)
    return _as_large(share * others + (1 - share) * images, images)


def _as_large(images: Tensor, model: Tensor) -> Tensor:
    """Scaled to the Frobenius norm of ``model``, each image for itself."""
    axes = tuple(range(1, images.ndim))
    norm = torch.linalg.vector_norm(images, dim=axes, keepdim=True)
    wanted = torch.linalg.vector_norm(model, dim=axes, keepdim=True)
    scale: Tensor = wanted / norm.clamp_min(1e-6)
    return images * scale
