"""Thresholds of classes over many voxels, against pooling them and sorting (as CBST is published).

The set is one prediction read again and again: only the number of voxels matters.
"""

import time
import tracemalloc

import numpy as np
import pytest

from past_core.case import Domain
from past_core.interfaces import Prediction
from past_core.labels import Labels
from past_selftrain.strata import Strata
from past_selftrain.thresholds import thresholds_of

LABELS = Labels(("vs", "cochlea"))
SHAPE = (250, 200, 200)
"""Of one case: 10 million voxels."""
Q = 0.6


@pytest.fixture(scope="module")
def prediction(tmp_path_factory):
    """Two balls in background, sure inside and doubtful at their borders, as float16."""
    grid = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in SHAPE), indexing="ij")
    logits = np.zeros((3, *SHAPE), np.float32)
    for value, (centre, radius) in enumerate((((90, 80, 90), 22), ((170, 120, 110), 6)), start=1):
        distance = np.sqrt(sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)))
        logits[value] = 1.5 * (radius - distance)
    logits += np.random.default_rng(0).normal(0, 0.3, logits.shape).astype(np.float32)
    powers = np.exp(logits - logits.max(axis=0))
    path = tmp_path_factory.mktemp("prediction") / "case.npy"
    np.save(path, (powers / powers.sum(axis=0)).astype(np.float16))
    return path


def pooled(predictions):
    """Every class's confidences of the whole set in one array, sorted, cut at q."""
    found = [[] for _ in range(LABELS.count)]
    for one in predictions:
        probabilities = np.asarray(one.probabilities(), np.float32)
        predicted, confidence = probabilities.argmax(axis=0), probabilities.max(axis=0)
        for value in range(LABELS.count):
            found[value].append(confidence[predicted == value])
    cuts = []
    for parts in found:
        values = np.concatenate(parts)
        values.sort()
        cuts.append(float(values[len(values) - int(np.ceil(round(Q * len(values), 6)))]))
    return cuts


def streamed(predictions):
    return [one.confidence for one in thresholds_of(predictions, Strata(LABELS), lambda _: Q)]


def peak_mib(work, predictions):
    tracemalloc.start()
    try:
        work(predictions)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("cases", [1, 10, 100], ids=["1e7", "1e8", "1e9"])
def test_thresholds(benchmark, prediction, cases):
    predictions = [Prediction(f"c{n}", (prediction,), Domain.TARGET) for n in range(cases)]
    streamed(predictions[:1])  # the file in memory, modules imported
    start = time.perf_counter()
    expected = pooled(predictions)
    baseline = time.perf_counter() - start
    found = benchmark.pedantic(streamed, args=(predictions,), rounds=3 if cases < 100 else 1)
    seconds = benchmark.stats.stats.min
    memory = {
        name: peak_mib(work, predictions)
        for name, work in (("pooled", pooled), ("streamed", streamed))
    }
    benchmark.extra_info |= {
        "baseline: pooled and sorted, seconds": round(baseline, 2),
        "times as fast as baseline": round(baseline / seconds, 1),
        "MiB": round(memory["streamed"]),
        "baseline: pooled and sorted, MiB": round(memory["pooled"]),
        "times less memory than baseline": round(memory["pooled"] / memory["streamed"], 1),
    }
    # Float16: the same cut, but for what lies between two of its numbers.
    assert found == pytest.approx(expected, abs=1e-3)
