"""How long NICE-GAN trains and translates, as ratios to the published way of doing it.

Each round measures both ways in turn, so that other work on the machine slows both. The
ratio of processor times is the steadier one: on a busy machine use OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch

from past_core.volume import Volume
from past_gan.data import translation
from past_gan.data.batch import Batch
from past_gan.data.cache import Stack
from past_gan.data.patches import PatchSampler
from past_gan.data.translation import BATCH_PIXELS, Sides, translate_volume
from past_gan.nicegan.config import NiceGANConfig
from past_gan.nicegan.steps import Contrast, NiceGANModel
from past_gan.training.runtime import Runtime
from tests.benchmarks.published_nicegan import PublishedStep

SIDE = 128
SLICES = 16
ROUNDS = 5


class Stopwatch:
    """Wall and processor seconds of each call of a function."""

    def __init__(self, function):
        self.function = function
        self.wall, self.processor = [], []

    def __call__(self):
        wall, processor = time.perf_counter(), time.process_time()
        self.function()
        self.wall.append(time.perf_counter() - wall)
        self.processor.append(time.process_time() - processor)


def compare(benchmark, function, name, baseline, rounds=ROUNDS):
    """Time both in turn; the benchmark's own figures are the function's."""
    baseline, function = Stopwatch(baseline), Stopwatch(function)
    benchmark.pedantic(function, setup=baseline, rounds=rounds, warmup_rounds=1)
    wall, processor = (
        median(getattr(baseline, kind)[1:]) / median(getattr(function, kind)[1:])
        for kind in ("wall", "processor")
    )
    benchmark.extra_info["threads"] = torch.get_num_threads()
    benchmark.extra_info[f"baseline: {name}, seconds"] = round(median(baseline.wall[1:]), 4)
    benchmark.extra_info["times as fast as baseline"] = round(wall, 2)
    benchmark.extra_info["times as fast as baseline, processor time"] = round(processor, 2)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    source, target = (torch.rand(1, 1, SIDE, SIDE, generator=generator) * 2 - 1 for _ in range(2))
    return Batch(source, target, labels=None, step=0, rate=1.0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("iterations", ["every pass", "one a step"])
def test_training_step(benchmark, batch, precision, iterations):
    """Published networks at 128 x 128, one image of each contrast.

    As published, spectral norms improve in every pass of a discriminator; "one a step"
    spares the published step that work, as ours does: then their losses are equal.
    """
    ours = NiceGANModel(NiceGANConfig(crop=SIDE), Runtime.single("cpu", precision))
    published = PublishedStep(one_power_iteration=iterations == "one a step")
    compare(
        benchmark,
        lambda: ours.step(batch),
        f"published step, power iterations {iterations}",
        lambda: published.step(batch.source, batch.target),
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_compiled_training_step(benchmark, batch, precision):
    """With ``torch.compile``, against the same step without it; compiling takes minutes."""
    plain, compiled = (
        NiceGANModel(NiceGANConfig(crop=SIDE, compile=compile_), Runtime.single("cpu", precision))
        for compile_ in (False, True)
    )
    compare(
        benchmark,
        lambda: compiled.step(batch),
        "our step without torch.compile",
        lambda: plain.step(batch),
    )


def test_drawing_patches(benchmark, batch, tmp_path):
    """The part of a step's time that its two batches of patches take to draw from the cache.

    Training draws the next batches while a step is computed, so even this is not waited for.
    """
    np.save(
        tmp_path / "slices.npy",
        np.random.default_rng(0).uniform(-1, 1, (100, 150, 150)).astype("f4"),
    )
    stack = Stack(np.load(tmp_path / "slices.npy", mmap_mode="r"), None)
    sampler = PatchSampler(
        [stack], crop=SIDE, batch_size=1, mirror=(0, 1), resize=30 / 256, seed=0, stream=0
    )
    ours = NiceGANModel(NiceGANConfig(crop=SIDE), Runtime.single("cpu", "bfloat16"))
    steps = iter(range(1000))

    def draw():
        step = next(steps)
        return sampler.batch(step), sampler.batch(step)

    compare(benchmark, draw, "bfloat16 training step", lambda: ours.step(batch))


@pytest.mark.parametrize("channels", [16, 64])
def test_translating_a_volume(benchmark, channels):
    """Slices in batches, against one slice at a time."""
    translate = Translation(channels)
    compare(
        benchmark,
        translate,
        "a slice at a time",
        lambda: translate(pixels=1),
        rounds=3,
    )
    benchmark.extra_info["slices a second"] = round(SLICES / benchmark.stats.stats.median, 2)
    for name, pixels in (("in batches", BATCH_PIXELS), ("a slice at a time", 1)):
        # What a process once had it keeps, so each way gets a process of its own.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            peak = fresh.submit(peak_mebibytes, channels, pixels).result()
        benchmark.extra_info[f"peak memory {name}, MiB"] = peak


class Translation:
    """Of one volume by an untrained network."""

    def __init__(self, channels):
        torch.manual_seed(0)
        parts = Contrast(NiceGANConfig(channels=channels, crop=SIDE)).eval()
        self.parts = Runtime.single().place(parts)
        values = np.random.default_rng(0).uniform(0, 255, (SIDE, SIDE, SLICES))
        self.volume = Volume(values.astype(np.float32), np.eye(4))

    def __call__(self, pixels=BATCH_PIXELS):
        translation.BATCH_PIXELS = pixels
        translate_volume(self.volume, self.network, axis=2, sides=Sides(4))
        translation.BATCH_PIXELS = BATCH_PIXELS

    def network(self, images):
        return self.parts.decoder(self.parts.encoder(images).features)


def peak_mebibytes(channels, pixels):
    """How far the first translation raises this process's peak memory."""
    translate = Translation(channels)
    before = high_water()
    translate(pixels)
    return (high_water() - before) // 1024


def high_water():
    """Peak memory of this process in KiB, as Linux tells; getrusage starts from the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
