"""Past translations for a discriminator to look at, besides the present ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["ImagePool"]


class ImagePool:
    """Keeps up to ``size`` translations and hands some of them out again.

    Once it is full, each new image is exchanged with probability 1/2 for a random stored
    one, which steadies a discriminator that would else only know the generator's last
    habit (Shrivastava et al., CVPR 2017; CycleGAN: 50 images). Choices follow from seed,
    stream and step alone.
    """

    def __init__(self, size: int, seed: int, stream: int) -> None:
        self.size = size
        self.seed = seed
        self.stream = stream
        self._images: list[Tensor] = []

    def query(self, images: Tensor, step: int) -> Tensor:
        """Give ``(n, c, h, w)`` back, some exchanged; detached copies are stored."""
        if not self.size:
            return images
        random = np.random.default_rng([self.seed, self.stream, step])
        given = []
        for image in images.detach():
            chosen = image
            if len(self._images) < self.size:
                self._images.append(image.clone())
            elif random.random() < 0.5:
                place = int(random.integers(self.size))
                chosen, self._images[place] = self._images[place], image.clone()
            given.append(chosen)
        return torch.stack(given)

    def tensors(self) -> dict[str, Tensor]:
        """The stored images by their number."""
        return {str(number): image for number, image in enumerate(self._images)}

    def restore(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Undo ``tensors``."""
        self._images = [tensors[name].to(device) for name in sorted(tensors, key=int)]
