"""A small 2D segmenter, trained in seconds: a measuring device, not a product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from monai.networks.nets.unet import UNet

from past_gan.quality.intensity import standardised
from past_gan.training.runtime import seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from torch import Tensor, nn

__all__ = ["train_segmenter"]

REDUCTION = 4
"""Sides must be multiples of this, the network's coarsest level."""
CROP = 48
"""Side of the training patches in pixels, or that of the largest slice if it is smaller."""
BATCH = 8
"""Patches a step."""
RATE = 5e-3
"""AdamW's highest rate: it rises over the first third and falls to 0."""


def train_segmenter(
    scans: Sequence[npt.NDArray[np.floating]],
    labels: Sequence[npt.NDArray[np.integer]],
    classes: int,
    *,
    seed: int,
    steps: int,
    device: str = "cpu",
) -> Callable[[npt.NDArray[np.floating]], npt.NDArray[np.uint8]]:
    """Train on slices of scans; give the function that labels a scan.

    Patches lie around a voxel of each structure in turn and around any voxel in turn, so
    that rare structures are seen as often as common ones. Scans are brought to mean 0 and
    deviation 1, and training varies gamma, gain, brightness and noise.

    Parameters
    ----------
    scans, labels
        ``(n, h, w)`` each, labels below ``classes``.

    Returns
    -------
    callable
        ``(n, h, w)`` grey levels to ``(n, h, w)`` label values.
    """
    random = np.random.default_rng(seed)
    patches = _Patches(scans, labels, classes)
    network = _network(classes, seed).to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=max(2, steps))
    criterion = DiceCELoss(softmax=True, to_onehot_y=True, include_background=False, batch=True)
    for _ in range(steps):
        images, truth = patches.draw(random)
        loss = criterion(network(images.to(device)), truth.to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval()

    def segment(scan: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
        height, width = scan.shape[1:]
        missing = [(0, 0), *((0, -side % REDUCTION) for side in (height, width))]
        padded = torch.from_numpy(np.pad(standardised(scan), missing, mode="symmetric"))
        with torch.inference_mode():
            parts = [
                network(part[:, None].to(device)).argmax(1)[:, :height, :width].cpu()
                for part in torch.split(padded, 64)
            ]
        values: npt.NDArray[np.uint8] = torch.cat(parts).numpy().astype(np.uint8)
        return values

    return segment


class _Patches:
    """Training patches around voxels of every class in turn."""

    def __init__(
        self,
        scans: Sequence[npt.NDArray[np.floating]],
        labels: Sequence[npt.NDArray[np.integer]],
        classes: int,
    ) -> None:
        largest = max(max(scan.shape[1:]) for scan in scans)
        self.side = side = min(CROP, largest + -largest % REDUCTION)
        self.pairs = [
            (_enlarged(standardised(scan), side), _enlarged(label, side))
            for scan, label in zip(scans, labels, strict=True)
        ]
        places = (_places([label for _, label in self.pairs], c) for c in range(1, classes))
        self.places = [found for found in places if len(found)]
        self.drawn = 0

    def draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """``(BATCH, 1, side, side)`` images and label values."""
        drawn = [self._patch(random, self.drawn + number) for number in range(BATCH)]
        self.drawn += BATCH
        images, truth = (np.stack(part)[:, None] for part in zip(*drawn, strict=True))
        return torch.from_numpy(images.astype(np.float32)), torch.from_numpy(truth.astype(np.int64))

    def _patch(
        self, random: np.random.Generator, number: int
    ) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.integer]]:
        kind = number % (len(self.places) + 1)
        if kind < len(self.places):
            found = self.places[kind]
            scan, slice_, row, column = found[random.integers(len(found))]
        else:
            scan = random.integers(len(self.pairs))
            slice_, row, column = random.integers(self.pairs[scan][1].shape)
        image, label = self.pairs[scan]
        # The voxel lies anywhere within the patch.
        corner = np.array([row, column]) - random.integers(self.side, size=2)
        top, left = np.clip(corner, 0, np.array(label.shape[1:]) - self.side)
        window = (slice_, slice(top, top + self.side), slice(left, left + self.side))
        return _varied(image[window], random), label[window]


def _varied(
    patch: npt.NDArray[np.floating], random: np.random.Generator
) -> npt.NDArray[np.floating]:
    """The patch with another gamma curve, gain, shift and some noise."""
    gamma = random.uniform(0.7, 1.4)
    gain, shift, noise = random.uniform([0.8, -0.2, 0.0], [1.2, 0.2, 0.15])
    low, span = float(patch.min()), max(float(np.ptp(patch)), 1e-6)
    curved = ((patch - low) / span) ** gamma * span + low
    grain = noise * random.standard_normal(patch.shape)
    varied: npt.NDArray[np.floating] = curved * gain + shift + grain
    return varied


def _network(classes: int, seed: int) -> nn.Module:
    with seeded(seed):
        network: nn.Module = UNet(
            spatial_dims=2,
            in_channels=1,
            out_channels=classes,
            channels=(16, 32, 64),
            strides=(2, 2),
            num_res_units=1,
            # Instance norm would raise faint things in slices that hold little.
            norm=("GROUP", {"num_groups": 1}),
        )
    return network


def _places(labels: Sequence[npt.NDArray[np.integer]], value: int) -> npt.NDArray[np.int64]:
    """``(voxels, 4)``: scan, slice, row and column of every voxel of a label value."""
    found = [np.argwhere(label == value) for label in labels]
    scans = np.repeat(np.arange(len(labels)), [len(place) for place in found])
    return np.column_stack([scans, np.concatenate(found)])


def _enlarged(stack: npt.NDArray[Any], least: int) -> npt.NDArray[Any]:
    """Mirrored at the far borders until a patch fits."""
    missing = [(0, 0), *((0, max(0, least - side)) for side in stack.shape[1:])]
    return np.pad(stack, missing, mode="symmetric")
