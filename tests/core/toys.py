"""Small plugins that keep every promise; tests break one promise at a time by subclassing."""

from __future__ import annotations

import json

import numpy as np

from past_core import DataError, Dataset, Labels, Volume
from past_core.case import Case, Domain
from past_core.config import PluginConfig, parse_config
from past_core.files import write_json
from past_core.interfaces import (
    DatasetReader,
    Metric,
    PseudoLabel,
    Segmenter,
    Strategy,
    Translator,
)


class ToyConfig(PluginConfig):
    """Settings of the toys."""

    steps: int = 6
    """Training steps."""


def read_json(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}. Train again.") from error


def descend(steps, context, draw):
    """A running sum of random draws: resumable, since each depends on seed and step alone."""
    path = context.folder / "checkpoint.json"
    state = read_json(path) if path.exists() else {"step": 0, "value": 0.0}
    while state["step"] < steps:
        generator = np.random.default_rng([context.seed, state["step"]])
        state = {"step": state["step"] + 1, "value": state["value"] + draw(generator)}
        if state["step"] % 2 == 0:
            write_json(path, state)
        context.progress(state["step"], steps, "descending")
    return state["value"]


class Invert(Translator):
    """Inverts intensities, with an offset that is "learnt"."""

    offset = 0.0

    def fit(self, source, target, labels, context):
        self.offset = descend(self.config.steps, context, lambda g: g.uniform(0, 1))

    def translate(self, volume):
        inverted = (255 - volume.data - self.offset).clip(0, 255)
        return Volume(inverted.astype(np.float32), volume.affine)

    def save(self, folder):
        write_json(folder / "invert.json", {"offset": self.offset} | self.config.model_dump())

    @classmethod
    def load(cls, folder, device="cpu"):
        content = read_json(folder / "invert.json")
        offset = content.pop("offset")
        translator = cls(parse_config(ToyConfig, content, "invert.json"))
        translator.offset = offset
        return translator


class Threshold(Segmenter):
    """Probabilities from the distance to each class's mean intensity."""

    means = ()

    def fit(self, cases, labels, context, init_from=None):
        noise = descend(self.config.steps, context, lambda g: g.uniform(0, 0.1))
        pairs = [(case.load_image().data, case.load_label().data) for case in cases]
        self.means = [
            float(np.mean([image[label == c].mean() for image, label in pairs])) + noise
            for c in range(labels.count)
        ]
        if init_from is not None:
            start = read_json(init_from / "threshold.json")["means"]
            self.means = [(a + b) / 2 for a, b in zip(self.means, start, strict=True)]

    def predict(self, volume):
        distance = [np.abs(volume.data - mean) / 20 for mean in self.means]
        powers = np.exp(-np.stack(distance))
        return powers / powers.sum(axis=0)

    def save(self, folder):
        write_json(folder / "threshold.json", {"means": self.means} | self.config.model_dump())

    @classmethod
    def load(cls, folder, device="cpu", prediction=None):
        content = read_json(folder / "threshold.json")
        means = content.pop("means")
        segmenter = cls(parse_config(ToyConfig, content, "threshold.json"))
        segmenter.means = means
        return segmenter


class Sure(Strategy):
    """Keeps voxels above a fixed confidence."""

    def select(self, predictions, labels, round_number):
        for prediction in predictions:
            probabilities = np.asarray(prediction.probabilities())
            kept = probabilities.max(axis=0) > 0.9
            classes = probabilities.argmax(axis=0)
            label = np.where(kept, classes, labels.ignore).astype(np.uint8)
            yield PseudoLabel(prediction.case_id, label)


class Wrong(Metric):
    """Portion of a structure's voxels that are wrong; undefined where there are none."""

    def __call__(self, masks):
        p, r = masks.prediction, masks.reference
        return float((p ^ r).sum() / (p | r).sum()) if (p | r).any() else float("nan")


class Pairs(DatasetReader):
    """``source_N.nii.gz`` with ``label_N.nii.gz``, ``target_N.nii.gz``, ``test_N.nii.gz``."""

    def recognises(self, folder):
        return any(folder.glob("source_*.nii.gz"))

    def open(self, folder):
        def part(name, domain):
            return tuple(
                Case(
                    path.name.split(".")[0],
                    domain,
                    path,
                    path.with_name(path.name.replace(name, "label")) if name == "source" else None,
                )
                for path in sorted(folder.glob(f"{name}_*.nii.gz"))
            )

        if not list(folder.glob("source_*.nii.gz")):
            raise DataError(f"{folder}: no source_N.nii.gz here. Choose another folder.")
        return Dataset(
            "pairs",
            Labels(("ball", "shell")),
            part("source", Domain.SOURCE),
            part("target", Domain.TARGET),
            part("test", Domain.TARGET),
        )
