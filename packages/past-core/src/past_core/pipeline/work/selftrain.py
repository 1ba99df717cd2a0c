"""Self-training: of what S_{k-1} predicts for X_c, the most confident part becomes labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from past_core.interfaces import Prediction, Strategy
from past_core.labels import Labels
from past_core.pipeline.layout import label_path, probability_path
from past_core.pipeline.work.workspace import Work
from past_core.volume import Volume, read_header, save_volume

__all__ = ["select"]


def select(params: Mapping[str, Any], work: Work) -> None:
    """Keep the top portion q_k; every other voxel becomes *ignore*.

    Parameters
    ----------
    params
        ``plugin`` (the strategy), ``labels``, ``round`` (k, from 1) and ``cases``, ids in the
        input ``predictions``.
    """
    strategy: Strategy = work.create(params["plugin"])
    folder = work.inputs["predictions"]
    predictions = [Prediction(name, probability_path(folder, name)) for name in params["cases"]]
    labels = Labels(tuple(params["labels"]))
    selected = strategy.select(predictions, labels, params["round"])
    for done, (name, label) in enumerate(selected, start=1):
        affine = read_header(label_path(folder, name)).affine
        save_volume(Volume(label.astype(np.uint8), affine), label_path(work.folder, name))
        work.progress(done, len(predictions), name)
