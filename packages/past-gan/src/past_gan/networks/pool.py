"""Past translations, shown to a discriminator again (Shrivastava et al. 2017).

A discriminator that sees only the latest translations forgets what it learnt of earlier
ones, and the generator can return to them: the two oscillate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

__all__ = ["ImagePool"]


class ImagePool:
    """Past translations into one contrast: up to ``size`` images; 0 keeps none.

    The random choices of a step are a function of ``(seed, stream, step)``: with the
    images of ``tensors`` an interrupted training goes on exactly.
    """

    def __init__(self, size: int, seed: int = 0, stream: int = 0) -> None:
        self.size = size
        self.seed = seed
        self.stream = stream
        """Tells this pool's choices from others' of the same seed and step."""
        self.images: list[Tensor] = []
        """``(channels, h, w)`` each, of one shape."""

    def exchange(self, images: Tensor, step: int) -> Tensor:
        """Give ``(n, channels, h, w)``, get as many.

        One by one: until the pool is full each image is stored and returned; then, with
        probability 1/2, it takes the place of a random stored one, which is returned
        instead.
        """
        if not self.size:
            return images
        random = np.random.default_rng([self.seed, self.stream, step])
        return torch.stack([self._exchange(image, random) for image in images.detach()])

    def _exchange(self, image: Tensor, random: np.random.Generator) -> Tensor:
        if len(self.images) < self.size:
            self.images.append(_copy(image))
            return image
        if random.random() < 0.5:
            return image
        place = int(random.integers(self.size))
        past, self.images[place] = self.images[place], _copy(image)
        return past

    def tensors(self) -> dict[str, Tensor]:
        """Nothing while the pool is empty, else ``images``: ``(stored, channels, h, w)``."""
        return {"images": torch.stack(self.images)} if self.images else {}

    def restore(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Undo ``tensors``, on their device.

        Raises
        ------
        DataError
            If there are more images than ``size``; ``path`` is where they came from.
        """
        images = list(tensors["images"]) if "images" in tensors else []
        if len(images) > self.size:
            raise DataError(
                f"{path}: holds a pool of {len(images)} images, configured are {self.size}. "
                "It is of another training: delete it and train again."
            )
        self.images = [_copy(image) for image in images]


def _copy(image: Tensor) -> Tensor:
    """Of its own memory, so that a stored image does not keep its whole batch."""
    return image.clone(memory_format=torch.contiguous_format)
