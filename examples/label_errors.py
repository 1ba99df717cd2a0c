"""How wrong the labels are that a model gives training scans of the target.

Their true ones must be known::

    python examples/label_errors.py runs/self-training

Reads what the run of examples/self-training.toml left, and prints by structure the size of what S_0
predicts and its Dice, as it is and after random walks to the image's edges.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from past_core.pipeline.layout import image_path, label_path, probability_path
from past_core.volume import load_volume
from past_selftrain.edges import redrawn

WIDTH = 3


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Of two masks."""
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def _first(stages: Path, pattern: str) -> Path:
    """The first stage of this name: what S_0 predicts of a target scan is the same in all."""
    found = sorted(stages.glob(pattern))
    if not found:
        sys.exit(
            f"{stages}: no {pattern}; a run of examples/self-training.toml with a ceiling has it"
        )
    return found[0]


def main(run: Path) -> None:
    """Print the figures of a run folder."""
    predicted, images, labels = (
        _first(run / "stages", pattern)
        for pattern in ("label-*-for-st1-*", "crop-target-*", "crop-oracle-*")
    )
    rows = []
    for path in sorted(labels.glob("*_label.nii.gz")):
        case = path.name.removesuffix("_label.nii.gz")
        probabilities = np.load(probability_path(predicted, case))
        true = load_volume(label_path(labels, case), np.uint8).data
        plain = probabilities.argmax(axis=0)
        image, structures = load_volume(image_path(images, case)), range(1, len(probabilities))
        walked = redrawn(image, plain.astype(np.uint8), probabilities, WIDTH, structures).classes
        rows.append(
            [
                (
                    (plain == value).sum() / (true == value).sum(),
                    dice(plain == value, true == value),
                    dice(walked == value, true == value),
                )
                for value in range(1, len(probabilities))
            ]
        )
    for value, (size, before, after) in enumerate(np.mean(rows, axis=0), start=1):
        said = f"structure {value}: {size:.2f} times its size; Dice {before:.3f}, then {after:.3f}"
        sys.stdout.write(f"{said}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
