"""What random looks cost in training, and what oneDNN saves in prediction: `quick`'s segmenter."""

from contextlib import nullcontext

import numpy as np
import pytest

from past_core.case import Case, Domain
from past_core.interfaces import Context
from past_core.labels import Labels
from past_core.volume import Volume, save_volume
from past_seg.nnunet.config import ResUNetConfig
from past_seg.nnunet.segmenter import ResUNet
from past_seg.nnunet.trainer import Trainer
from tests.benchmarks.test_training_step import compare

QUICK = {
    "optimizer": "adamw",
    "base_features": 8,
    "max_features": 64,
    "patch_voxels": 49152,
    "batch_size": 2,
}
SHAPE = (64, 48, 24)
STRUCTURES = 2


@pytest.fixture
def cases(tmp_path):
    """Two volumes of noise with a box for each structure."""
    random = np.random.default_rng(0)
    made = []
    for number in range(2):
        image, label = random.normal(100, 20, SHAPE).astype("f4"), np.zeros(SHAPE, np.uint8)
        for value in range(1, STRUCTURES + 1):
            corner = random.integers(4, 12, 3)
            label[tuple(slice(c + 8 * value, c + 8 * value + 6) for c in corner[:2])] = value
        paths = tmp_path / f"{number}.nii.gz", tmp_path / f"{number}_label.nii.gz"
        save_volume(Volume(image, np.eye(4)), paths[0])
        save_volume(Volume(label, np.eye(4)), paths[1])
        made.append(Case(str(number), Domain.SOURCE, *paths))
    return made


def fit(cases, folder, **looks):
    """A segmenter after one iteration, and its trainer."""
    kept = []

    def step(trainer, batch):
        kept[:] = [trainer]
        return plain(trainer, batch)

    plain, Trainer.train_step = Trainer.train_step, step
    try:
        segmenter = ResUNet(ResUNetConfig(**QUICK, iterations=1, **looks))
        labels = Labels(tuple(f"box{n}" for n in range(STRUCTURES)))
        segmenter.fit(cases, labels, Context(folder, seed=0))
    finally:
        Trainer.train_step = plain
    (trainer,) = kept
    return segmenter, trainer


def stepping(cases, folder, **looks):
    """Steps of a trainer, patches and their augmentation included."""
    _, trainer = fit(cases, folder, **looks)
    patches = trainer.dataloader_train
    return lambda: trainer.train_step(next(patches))


@pytest.mark.parametrize("look", ["random_convolution", "random_structures"])
def test_random_looks(benchmark, cases, tmp_path, look):
    """On every patch; a share of them costs that share."""
    compare(
        benchmark,
        stepping(cases, tmp_path / "random", **{look: 1.0}),
        "the same step without random looks",
        stepping(cases, tmp_path / "plain"),
        rounds=7,
    )


def test_prediction(benchmark, cases, tmp_path):
    """A volume of two patches, float32, resampling and all."""
    segmenter, _ = fit(cases, tmp_path, precision="float32")
    volume = cases[0].load_image()

    def by_torch():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("past_seg.nnunet.prediction.OneDNNConvolutions", nullcontext)
            segmenter.predict(volume)

    compare(
        benchmark,
        lambda: segmenter.predict(volume),
        "the same with torch's choice of convolutions",
        by_torch,
        rounds=7,
    )
