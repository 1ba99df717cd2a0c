"""The global random generators that nnU-Net draws from."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["kept_random_state", "seed_everything"]


def seed_everything(seed: int, epoch: int) -> None:
    """Seed all generators that nnU-Net draws from; epoch 0 is the start, before training."""
    python, numpy, pytorch = np.random.SeedSequence([seed, epoch]).generate_state(3)
    random.seed(int(python))
    np.random.seed(int(numpy))  # noqa: NPY002  (nnU-Net draws from the global generator)
    torch.manual_seed(int(pytorch))


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Leave the global generators as they were."""
    python, numpy, pytorch = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.set_rng_state(pytorch)
