"""Compare a system's segmentations with reference labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from past_core.labels import Labels
from past_core.pipeline.layout import SCORES, label_path
from past_core.pipeline.work.workspace import Work
from past_core.scoring import TEST, score_case, write_scores
from past_core.volume import load_volume

__all__ = ["score"]


def score(params: Mapping[str, Any], work: Work) -> None:
    """Score every scan that has a reference, on the original grid.

    Parameters
    ----------
    params
        ``system``, ``labels``, ``metrics`` (plugins), and ``cases``: of each its ``id``, the
        SHA-256 of its ``label``, its ``route``, and its ``part`` unless that is ``test``.
    """
    metrics = {plugin["name"]: work.create(plugin) for plugin in params["metrics"]}
    labels = Labels(tuple(params["labels"]))
    rows = []
    for done, case in enumerate(params["cases"], start=1):
        prediction = load_volume(label_path(work.inputs["segmentations"], case["id"]), np.uint8)
        reference = load_volume(work.file(case["label"]), np.uint8)
        rows += score_case(
            prediction,
            reference,
            labels,
            metrics,
            system=params["system"],
            case=case["id"],
            route=case["route"],
            part=case.get("part", TEST),
        )
        work.progress(done, len(params["cases"]), case["id"])
    write_scores(work.folder / SCORES, rows)
