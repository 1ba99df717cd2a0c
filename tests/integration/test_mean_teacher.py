"""The mean teacher within nnU-Net's training, as installed packages meet through core alone."""

from __future__ import annotations

import hashlib

import pytest

from past_core import Labels
from past_core.case import Domain
from past_core.interfaces import Context, Unlabelled
from past_core.plugins import Registry
from past_core.testing import LABELS, tiny_cases

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


@pytest.fixture
def train(tmp_path):
    """Train with a mean teacher; the hash of the weights that come of it."""
    registry = Registry()
    labelled = tiny_cases(tmp_path / "source", Domain.SOURCE, 2)
    others = tiny_cases(tmp_path / "target", Domain.TARGET, 2, labelled=False)

    def train(folder, progress=lambda *_: None, labels: Labels = LABELS, **settings):
        strategy = registry.create(
            "strategy", "mean-teacher", registry.config("strategy", "mean-teacher", settings, "s")
        )
        segmenter = registry.create(
            "segmenter", "resunet", registry.config("segmenter", "resunet", TINY, "s")
        )
        segmenter.fit(
            labelled,
            labels,
            Context(tmp_path / folder, seed=3, progress=progress),
            unlabelled=Unlabelled(strategy, others, settings),
        )
        saved = tmp_path / f"{folder}-saved"
        segmenter.save(saved)
        return hashlib.sha256((saved / "weights.safetensors").read_bytes()).hexdigest()

    return train


def test_an_interrupted_training_comes_to_the_same_teacher(train):
    def stop(done, total, note=""):
        if done == 5:
            raise KeyboardInterrupt

    whole = train("whole", masked=0.5)
    with pytest.raises(KeyboardInterrupt):
        train("broken", stop, masked=0.5)
    assert train("broken", masked=0.5) == whole
    assert train("other", masked=0.5, keep="student") != whole
    assert train("unmasked") != whole
