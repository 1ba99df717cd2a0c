"""Seconds and peak memory of applying a kept system to one scan of 448 x 448 x 80, by step.

    hatch run python tests/benchmarks/predict_steps.py FOLDER

A run of a moment makes the network that ``quick`` plans for such scans (its weights do not matter
for time), and ``past-cli export`` keeps it. A new process then applies it to a scan, twice: what
the second one takes is what each further scan of a folder takes. Every step is measured by the
clock around the function that does it; peak memory is the process's greatest resident set.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from past_core.volume import Volume, save_volume

SPACING = (0.41, 0.41, 1.5)
"""Of crossMoDA's hrT2 scans, in mm."""

APPLY = """
import time
begin = time.perf_counter()
import json, sys
from past_core.exported import load_system, system
from past_core.pipeline.memory import PeakMemory
import past_seg.nnunet.prediction as prediction
seconds = {"imports": time.perf_counter() - begin}

def timed(owner, name, step):
    function = getattr(owner, name)
    def measured(*args, **kwargs):
        start = time.perf_counter()
        result = function(*args, **kwargs)
        seconds[step] = seconds.get(step, 0) + time.perf_counter() - start
        return result
    setattr(owner, name, measured)

timed(system, "load_volume", "read")
timed(system, "rescale", "crop and scale")
timed(system, "save_volume", "write")
timed(system.LoadedSystem, "_segmenter", "load the network")
timed(prediction.DefaultPreprocessor, "run_case_npy", "preprocess")
timed(prediction.nnUNetPredictor, "predict_sliding_window_return_logits", "window")
timed(prediction, "restore_grid", "restore")
loaded = load_system(sys.argv[1])
rows = []
for number in range(2):
    with PeakMemory() as peak:
        loaded.segment(sys.argv[2]).save(sys.argv[3])
    rows.append({**seconds, "whole": time.perf_counter() - begin, "peak MiB": peak.mib})
    begin = time.perf_counter()
    seconds.clear()
print(json.dumps(rows))
"""


def main() -> None:
    """Make, keep, apply, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--size", type=int, nargs=3, default=(448, 448, 80))
    given = arguments.parse_args()
    data, kept = given.folder / "data", given.folder / "model"
    if not kept.exists():
        _make(data, tuple(given.size))
        _command("pipeline", "--data", data, *_moment(), "--out", given.folder / "run")
        _command("export", given.folder / "run", kept)
    scan = data / "target_validation/crossmoda_211_hrT2.nii.gz"
    command = [sys.executable, "-c", APPLY, kept, scan, given.folder / "segmentation.nii.gz"]
    begin = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    process = time.perf_counter() - begin
    first, second = json.loads(done.stdout.splitlines()[-1])
    for step in first:
        unit = "" if step == "peak MiB" else " s"
        _say(f"{step:20} {first[step]:8.1f}{unit:2} {second.get(step, 0):8.1f}{unit}")
    _say(f"{'the process':20} {process:8.1f} s, for both")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _make(data: Path, size: tuple[int, ...]) -> None:
    """Scans with a bright ball and a small one, in crossMoDA's layout."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in size), indexing="ij", sparse=True)
    affine = np.diag([*(-s for s in SPACING[:2]), SPACING[2], 1.0])
    for part, first, contrast in (
        ("source_training", 1, "ceT1"),
        ("target_training", 106, "hrT2"),
        ("target_validation", 211, "hrT2"),
    ):
        for number in range(first, first + 2):
            rng = np.random.default_rng(number)
            i, j, k = (axis - rng.uniform(-0.05, 0.05) for axis in axes)
            label = np.zeros(size, np.uint8)
            label[i**2 + (j - 0.1) ** 2 + k**2 < 0.08**2] = 1
            label[(i - 0.2) ** 2 + (j - 0.1) ** 2 + k**2 < 0.03**2] = 2
            noise = rng.integers(0, 40, size, dtype=np.int16)
            image = (100 + 150 * (label > 0) + noise).astype(np.int16)
            save_volume(
                Volume(image, affine), data / part / f"crossmoda_{number}_{contrast}.nii.gz"
            )
            if part == "source_training":
                save_volume(Volume(label, affine), data / part / f"crossmoda_{number}_Label.nii.gz")


def _moment() -> list[str]:
    """The network of ``quick``, trained for a moment on the source as it is."""
    settings = ("iterations=2", "iterations_per_epoch=1", "random_convolution=0")
    options = [
        "--translator",
        "none",
        "--strategy",
        "none",
        "--system",
        "no-da",
        "--until",
        "segment",
    ]
    return [*options, *(x for s in settings for x in ("--set", f"segmenter.resunet.{s}"))]


def _command(*arguments: object) -> None:
    program = "from past_cli.main import main; main()"
    subprocess.run([sys.executable, "-c", program, *map(str, arguments)], check=True)


if __name__ == "__main__":
    main()
