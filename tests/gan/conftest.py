"""Small real cases on disk, and a configuration that trains in a second."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from past_core.case import Case, Domain
from past_core.labels import Labels
from past_core.volume import Volume, load_volume, save_volume
from past_gan.config import QualityConfig
from past_gan.nicegan.config import NiceGANConfig

BRIGHT = Labels(("bright",))
"""Of the labelled cases: their bright parts."""


@pytest.fixture
def tiny() -> NiceGANConfig:
    """The smallest network with every kind of layer."""
    return NiceGANConfig(
        channels=4,
        blocks=1,
        heads=(0, 1),
        crop=24,
        iterations=6,
        batch_size=2,
        learning_rate=1e-3,
        checkpoint_interval=2,
        snapshots=1,
        precision="float32",
        quality=QualityConfig(cases=0),
    )


def smooth_case(path, domain, shape=(30, 26, 5), spacing=(1.0, 1.0, 3.0), seed=0):
    """A case of smooth random blobs in [0, 255]; target images are the negative."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    data = ndimage.gaussian_filter(noise, 2)
    data = (data - data.min()) / np.ptp(data) * 255
    if domain is Domain.TARGET:
        data = 255 - data
    image = path / f"{domain}_{seed}.nii.gz"
    save_volume(Volume(data.astype(np.float32), np.diag([*spacing, 1.0])), image)
    return Case(f"{domain}_{seed}", domain, image)


def give_label(case, values):
    """Write label values beside the case's image, on its grid."""
    path = case.image.with_name(f"{case.id}_label.nii.gz")
    save_volume(Volume(values.astype(np.uint8), load_volume(case.image).affine), path)
    object.__setattr__(case, "label", path)


@pytest.fixture
def cases(tmp_path):
    """Two source and two target cases; sizes differ between and within the domains."""
    source = [smooth_case(tmp_path, Domain.SOURCE, seed=n) for n in range(2)]
    target = [
        smooth_case(tmp_path, Domain.TARGET, shape=(26 + 2 * n, 22, 4), seed=n) for n in range(2)
    ]
    return source, target


@pytest.fixture
def labelled(cases):
    """The same, the source's bright parts labelled."""
    source, target = cases
    for case in source:
        give_label(case, load_volume(case.image).data > 150)
    return source, target
