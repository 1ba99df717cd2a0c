"""CBST against its published rule, with all voxels in memory."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from past_core import ConfigError, Labels
from past_core.config import parse_config
from past_core.interfaces import Prediction
from past_selftrain.cbst import CBST, CBSTConfig


def cbst(**values):
    return CBST(parse_config(CBSTConfig, values, "strategy"))


def select(strategy, predictions, labels, round_number=1):
    return {one.case_id: one.label for one in strategy.select(predictions, labels, round_number)}


def by_sorting(arrays, portion, ignore):
    """The published selection."""
    arrays = [array.astype(np.float64) for array in arrays]
    cuts = np.full(ignore, np.inf)
    for label in range(ignore):
        pooled = np.concatenate([a.max(axis=0)[a.argmax(axis=0) == label] for a in arrays])
        if pooled.size:
            count = math.ceil(round(portion * pooled.size, 6))
            cuts[label] = np.sort(pooled)[::-1][count - 1]
    found = []
    for array in arrays:
        relative = array / cuts[:, None, None, None]
        found.append(np.where(relative.max(axis=0) >= 1, relative.argmax(axis=0), ignore))
    return found


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 4, 20]), st.floats(0.05, 1))
def test_any_selection_is_the_published_one(tmp_path_factory, seed, scale, portion):
    folder = tmp_path_factory.mktemp("predictions")
    generator = np.random.default_rng(seed)
    arrays, predictions = [], []
    for number in range(2):
        logits = generator.normal(0, scale, (3, 5, 6, 4))
        logits[0] += scale
        powers = np.exp(logits - logits.max(axis=0))
        arrays.append((powers / powers.sum(axis=0)).astype(np.float16))
        np.save(folder / f"{number}.npy", arrays[-1])
        predictions.append(Prediction(str(number), (folder / f"{number}.npy",)))
    labels = Labels(("vs", "cochlea"))
    found = select(cbst(p=portion, p_max=1), predictions, labels)
    expected = by_sorting(arrays, portion, labels.ignore)
    for one, wanted in zip(found.values(), expected, strict=True):
        # A threshold is below the exact one by up to a 4096th of its doubt: where two classes
        # compete that closely, either may win.
        assert (one != wanted).mean() < 0.02
        assert one.dtype == np.uint8


def test_a_doubtful_class_wins_from_a_sure_one(write):
    """Finds the plain argmax: its rare class would have no voxel here but the surest."""
    background = np.full((1, 1, 100), 0.99)
    background[..., :10] = np.linspace(0.3, 0.48, 10)
    prediction = write("a", np.stack([background, 1 - background]).astype(np.float32))
    found = select(cbst(p=0.5), [prediction], Labels(("vs",)))["a"]
    assert (found[..., :5] == 1).all()
    background[..., 10] = 0.55  # background by argmax, of little confidence for it
    prediction = write("b", np.stack([background, 1 - background]).astype(np.float32))
    found = select(cbst(p=1.0, p_max=1.0), [prediction], Labels(("vs",)))["b"]
    assert found[0, 0, 10] == 0  # 0.45 / 0.52 < 0.55 / 0.55
    assert select(cbst(p=0.5), [prediction], Labels(("vs",)))["b"][0, 0, 10] == 2


def test_a_class_that_is_never_predicted_has_no_voxel(write, softmax_of, labels):
    array = softmax_of(0, 3, np.float32)
    array[0] += array[2]
    array[2] = 0
    found = select(cbst(p=0.5), [write("a", array)], labels)["a"]
    assert set(np.unique(found)) == {0, 1, labels.ignore}


def test_p_grows_by_its_step_up_to_its_maximum():
    config = CBSTConfig()
    assert [config.portion(k) for k in (1, 2, 7, 8, 20)] == pytest.approx(
        [0.2, 0.25, 0.5, 0.5, 0.5]
    )
    with pytest.raises(ConfigError, match=r"p \(0.8\) is above p_max \(0.5\)"):
        cbst(p=0.8)


def test_rounds_keep_more_and_more(write, softmax_of, labels):
    prediction = write("a", softmax_of(0, 2, np.float32))
    kept = [
        (select(cbst(), [prediction], labels, k)["a"] != labels.ignore).mean() for k in (1, 4, 8)
    ]
    assert kept[0] < kept[1] < kept[2]
