"""Features of image patches by a small network of fixed random weights.

Networks trained on photographs are large, must be downloaded, and see nothing of medical
images in their features; random ones told good from bad generators as well (Naeem et al.
2020, "Reliable fidelity and diversity metrics for generative models", section 5).

A sample is a patch, not a slice: a slice of an unpaired case never has its like in the
other set, patches have, and there are enough of them for covariances of full rank.

Every scan is brought to mean 0 and deviation 1 first, as a segmenter does it. Else the
overall brightness, which differs between the protocols of one contrast, hides the rest.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from past_gan.quality.intensity import standardised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt
    from torch import Tensor

__all__ = ["DIMENSIONS", "patch_features"]

LEVELS = 3
"""At full, half and quarter resolution."""
CHANNELS = 12
"""Of each level."""
DIMENSIONS = LEVELS * CHANNELS * 2
"""Features of a patch: mean and standard deviation of every channel of every level."""
PATCH = 16
"""Side of a patch in pixels."""
STRIDE = 8
"""Pixels between patches."""
BATCH = 64
"""Slices sent through the network at once."""
SPAN = 2.0
"""Standard deviations of a scan that become 1 at the network's entrance."""


def patch_features(
    scans: Iterable[npt.NDArray[np.floating]],
) -> Iterator[npt.NDArray[np.float64]]:
    """Describe the patches of scans, taken every ``STRIDE`` pixels of every slice.

    Parameters
    ----------
    scans
        ``(n, h, w)`` each, of any range. Slices smaller than a patch are mirrored.

    Yields
    ------
    array
        ``(patches, DIMENSIONS)`` of some slices. A channel's responses have a variance of
        about 1 on images whose spectrum falls as that of natural ones.
    """
    network = _network()
    for scan in scans:
        if len(scan):
            for part in torch.split(torch.from_numpy(standardised(scan) / SPAN), BATCH):
                yield _describe(part, network).double().numpy()


def _describe(slices: Tensor, network: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """``(n, h, w)`` to ``(patches, DIMENSIONS)``."""
    missing = [(0, 0), *((0, max(0, PATCH - side)) for side in slices.shape[1:])]
    padded = torch.from_numpy(np.pad(slices.numpy(), missing, mode="symmetric"))[:, None]
    down, right = (1 + (side - PATCH) // STRIDE for side in padded.shape[2:])
    pooled = []
    with torch.inference_mode():
        for level, response in enumerate(_responses(padded, network)):
            window, stride = PATCH >> level, STRIDE >> level
            mean = F.avg_pool2d(response, window, stride)
            square = F.avg_pool2d(response.square(), window, stride)
            pooled += [mean, (square - mean.square()).clamp_min(0).sqrt()]
        features = torch.cat([one[..., :down, :right] for one in pooled], 1)
        return features.permute(0, 2, 3, 1).flatten(0, 2)


def _responses(images: Tensor, network: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Of each level, from ``(n, 1, h, w)`` of about [-1, 1]."""
    found: list[Tensor] = []
    for kernel, bias in network:
        entering = F.avg_pool2d(found[-1], 2) if found else images
        found.append(F.relu(_convolve(entering, kernel) + bias))
    return found


@functools.cache
def _network() -> list[tuple[Tensor, Tensor]]:
    """Kernels and biases of every level, scaled so that each channel counts alike.

    The scale is that of the responses to random images of a 1/f spectrum, so that it is
    a constant of this module and not of the data.
    """
    random = np.random.default_rng(0)
    x = _clouds(random)
    network: list[tuple[Tensor, Tensor]] = []
    for _ in range(LEVELS):
        weights = random.standard_normal((CHANNELS, x.shape[1], 3, 3))
        # Half of the channels answer to brightness too, half to its changes only.
        weights[::2] -= weights[::2].mean((1, 2, 3), keepdims=True)
        kernel = torch.from_numpy(weights).float()
        kernel /= _convolve(x, kernel).std((0, 2, 3))[:, None, None, None]
        bias = torch.from_numpy(random.uniform(-0.5, 0.5, (CHANNELS, 1, 1))).float()
        network.append((kernel, bias))
        x = F.avg_pool2d(F.relu(_convolve(x, kernel) + bias), 2)
    return network


def _convolve(x: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel)


def _clouds(random: np.random.Generator, count: int = 32, side: int = 64) -> Tensor:
    """``(count, 1, side, side)`` random images with a 1/f amplitude spectrum, within [-1, 1]."""
    rows, columns = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = 1 / side
    noise = np.fft.rfft2(random.standard_normal((count, side, side)))
    images = np.fft.irfft2(noise / frequency, s=(side, side))
    return torch.from_numpy(np.clip(images / (2 * images.std()), -1, 1)).float()[:, None]
