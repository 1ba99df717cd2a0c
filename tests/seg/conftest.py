"""A bright ball in noise: small enough for nnU-Net to learn in seconds on one thread."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from past_core.case import Case, Domain
from past_core.interfaces import Context
from past_core.labels import Labels
from past_core.volume import Volume, save_volume

TINY = {
    "optimizer": "adamw",
    "iterations": 6,
    "iterations_per_epoch": 2,
    "base_features": 4,
    "max_features": 8,
    "patch_voxels": 1024,
    "batch_size": 2,
    "mirroring": False,
    "precision": "float32",
}
"""Settings of a fit that takes about a second."""


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for each other on busy cores make tiny networks a hundred times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Balls:
    """Makes cases and contexts below one folder."""

    folder: Path
    labels = Labels(("ball",))
    tiny = TINY

    @staticmethod
    def dice(prediction, reference):
        prediction, reference = prediction.astype(bool), reference.astype(bool)
        return 2 * (prediction & reference).sum() / (prediction.sum() + reference.sum())

    def weights(self, segmenter, name):
        """Hash of the weights that the segmenter saves."""
        segmenter.save(self.folder / name)
        return hashlib.sha256((self.folder / name / "weights.safetensors").read_bytes()).hexdigest()

    def case(self, name, seed, *, shape=(24, 24, 16), affine=None, change=None):
        """One ball; ``change(image, label)`` may alter both arrays in place."""
        rng = np.random.default_rng(seed)
        centre = rng.uniform(0.35, 0.65, 3) * np.array(shape)
        grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"))
        inside = ((grid - centre[:, None, None, None]) ** 2).sum(0) < rng.uniform(3.5, 5) ** 2
        image = (50 + 150 * inside + rng.normal(0, 15, shape)).clip(1, 255).astype(np.float32)
        label = inside.astype(np.uint8)
        if change is not None:
            change(image, label)
        affine = np.diag([1, 1, 1.5, 1.0]) if affine is None else affine
        paths = self.folder / f"{name}.nii.gz", self.folder / f"{name}_label.nii.gz"
        save_volume(Volume(image, affine), paths[0])
        save_volume(Volume(label, affine), paths[1])
        return Case(name, Domain.SOURCE, *paths)

    def cases(self, count=3, **settings):
        return [self.case(f"ball{seed}", seed, **settings) for seed in range(count)]

    def context(self, name, **settings):
        return Context(self.folder / name, seed=settings.pop("seed", 7), **settings)


@pytest.fixture
def balls(tmp_path):
    return Balls(tmp_path)


@pytest.fixture(scope="session")
def make_balls():
    """For fixtures that several tests share: ``make_balls(folder)``."""
    return Balls
