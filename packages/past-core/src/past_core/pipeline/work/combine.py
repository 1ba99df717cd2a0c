"""Routing and combination: each scan and structure takes its label from the model for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from past_core.files import load_json
from past_core.labels import Labels
from past_core.pipeline.layout import CHOICE, GRIDS, label_path
from past_core.pipeline.work.answer import Answers
from past_core.pipeline.work.predicted import Left
from past_core.pipeline.work.workspace import Work
from past_core.probabilities import probability_name, save_probabilities
from past_core.roi import ROI
from past_core.volume import Volume, save_volume

__all__ = ["combine", "keep_probabilities"]

log = logging.getLogger(__name__)


def combine(params: Mapping[str, Any], work: Work) -> None:
    """Segment scans on their own grids from the predictions of one or more models.

    Parameters
    ----------
    params
        ``roi``, ``labels``, and ``cases``: of each its ``id``, its ``route`` and its
        ``answers``, from structure to the roles of the inputs whose probabilities are averaged
        for it. With an input ``choice``, ``candidates`` in place of the last two: of each by
        name its ``route`` and ``answers``, of which those of the chosen one hold.
    """
    labels, roi = Labels(tuple(params["labels"])), ROI.of(params["roi"])
    grids = load_json(work.inputs["scans"] / GRIDS)
    for done, case in enumerate(params["cases"], start=1):
        path = label_path(work.folder, case["id"])
        if not path.exists():
            said = _said(case, work)
            answers, affine = _answers(case["id"], said["answers"], labels, work)
            if said["route"]:
                log.info("%s: no model was made for its protocol; %s", case["id"], said["route"])
            cropped = Volume(answers.classes(), affine)
            save_volume(_pasted(cropped, roi, grids[case["id"]]), path)
        work.progress(done, len(params["cases"]), case["id"])


def keep_probabilities(params: Mapping[str, Any], work: Work) -> None:
    """Write what scans are segmented by: class probabilities on their own grids, compressed.

    Parameters
    ----------
    params
        As of ``combine``, and ``precision``: see ``past_core.probabilities``.
    """
    labels, roi = Labels(tuple(params["labels"])), ROI.of(params["roi"])
    grids = load_json(work.inputs["scans"] / GRIDS)
    for done, case in enumerate(params["cases"], start=1):
        segmentation = label_path(work.folder, case["id"])
        path = segmentation.with_name(probability_name(segmentation.name, params["precision"]))
        if not path.exists():
            answers, affine = _answers(case["id"], _said(case, work)["answers"], labels, work)
            stack = Volume(answers.probabilities(), affine)
            save_probabilities(_pasted(stack, roi, grids[case["id"]]), path, params["precision"])
        work.progress(done, len(params["cases"]), case["id"])


def _pasted(cropped: Volume, roi: ROI, grid: Mapping[str, Any]) -> Volume:
    i, j, k = grid["shape"]
    return roi.paste(cropped, (i, j, k), np.array(grid["affine"]))


def _said(case: Mapping[str, Any], work: Work) -> Mapping[str, Any]:
    """Answers and route of a scan: its own, or those of the candidate that was chosen."""
    if "choice" not in work.inputs:
        return case
    choice = load_json(work.inputs["choice"] / CHOICE)
    chosen: Mapping[str, Any] = case["candidates"][choice["chosen"]]
    return chosen


def _answers(
    case_id: str, wanted: Mapping[str, list[str]], labels: Labels, work: Work
) -> tuple[Answers, npt.NDArray[np.float64]]:
    """What the inputs say of a scan, and the affine of the region."""
    roles = {role for many in wanted.values() for role in many}
    left = {role: Left(work.inputs[role], case_id) for role in roles}
    affine = left[wanted[labels.structures[0]][0]].volume.affine
    return Answers(wanted, left, labels), affine
