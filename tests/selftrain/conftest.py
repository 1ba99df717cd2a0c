"""Predictions as a segmenter leaves them: softmax that piles up at 1, in .npy files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from past_core import Labels
from past_core.case import Domain
from past_core.interfaces import Prediction

SHAPE = (12, 16, 10)


@pytest.fixture
def labels():
    return Labels(("vs", "cochlea"))


@pytest.fixture
def write(tmp_path):
    """Write probabilities (c, i, j, k) of one case, an array of each teacher, as its prediction."""

    def write(
        case_id: str, *probabilities: np.ndarray, domain: Domain = Domain.TARGET
    ) -> Prediction:
        paths: list[Path] = []
        for number, array in enumerate(probabilities):
            paths.append(tmp_path / f"{case_id}-{number}.npy")
            np.save(paths[-1], array)
        return Prediction(case_id, tuple(paths), domain)

    return write


@pytest.fixture
def softmax_of():
    """Probabilities of random logits; ``scale`` 1 is doubtful, 30 mostly exactly 1 in float16."""

    def softmax_of(seed, scale, dtype, shape=SHAPE, classes=3):
        logits = np.random.default_rng(seed).normal(0, scale, (classes, *shape))
        logits[0] += scale  # background is most common
        powers = np.exp(logits - logits.max(axis=0))
        return (powers / powers.sum(axis=0)).astype(dtype)

    return softmax_of
