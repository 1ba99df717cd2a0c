"""Routing and combination: each scan and structure takes its label from the model for it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from past_core.labels import Labels
from past_core.pipeline.layout import GRIDS, label_path, probability_path
from past_core.pipeline.work.crop import roi_of
from past_core.pipeline.work.workspace import Work
from past_core.volume import Volume, load_volume, save_volume

__all__ = ["combine", "join"]

log = logging.getLogger(__name__)

Answer = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]
"""Likeliest classes ``(i, j, k)`` and probabilities ``(c, i, j, k)``."""


def combine(params: Mapping[str, Any], work: Work) -> None:
    """Segment scans on their own grids from the predictions of one or more models.

    Parameters
    ----------
    params
        ``roi``, ``labels``, and ``cases``: of each its ``id``, its ``route`` and its
        ``answers``, from structure to the roles of the inputs whose probabilities are averaged
        for it.
    """
    labels, roi = Labels(tuple(params["labels"])), roi_of(params)
    grids = json.loads((work.inputs["scans"] / GRIDS).read_text())
    for done, case in enumerate(params["cases"], start=1):
        path = label_path(work.folder, case["id"])
        if not path.exists():
            cropped = _segment(case, labels, work)
            grid = grids[case["id"]]
            i, j, k = grid["shape"]
            if case["route"]:
                log.info("%s: no model was made for its protocol; %s", case["id"], case["route"])
            save_volume(roi.paste(cropped, (i, j, k), np.array(grid["affine"])), path)
        work.progress(done, len(params["cases"]), case["id"])


def join(answers: Mapping[str, Answer], labels: Labels) -> npt.NDArray[np.uint8]:
    """One label map of structures that different models answer for.

    A structure lies where it is the likeliest class of its own model. Where two claim a
    voxel, the one of higher probability has it; of equal ones the first.

    Parameters
    ----------
    answers
        Of every structure, likeliest classes and probabilities of the model for it.
    labels
        The structures; the result has their values.
    """
    first, _ = next(iter(answers.values()))
    joined = np.zeros(first.shape, np.uint8)
    best = np.full(first.shape, -1, np.float32)
    for structure in labels.structures:
        classes, probabilities = answers[structure]
        value = labels.value(structure)
        strength = probabilities[value].astype(np.float32)
        claimed = (classes == value) & (strength > best)
        joined[claimed] = value
        best[claimed] = strength[claimed]
    return joined


def _segment(case: Mapping[str, Any], labels: Labels, work: Work) -> Volume:
    wanted = {structure: tuple(roles) for structure, roles in case["answers"].items()}
    affine = load_volume(
        label_path(work.inputs[wanted[labels.structures[0]][0]], case["id"])
    ).affine
    if len(set(wanted.values())) == 1:
        return Volume(_classes(next(iter(wanted.values())), case["id"], work), affine)
    found = {roles: _answer(roles, case["id"], work) for roles in set(wanted.values())}
    answers = {structure: found[roles] for structure, roles in wanted.items()}
    return Volume(join(answers, labels), affine)


def _classes(roles: Sequence[str], case_id: str, work: Work) -> npt.NDArray[np.uint8]:
    if len(roles) == 1:
        # As predicted: probabilities on disk are rounded, and could tie.
        label = load_volume(label_path(work.inputs[roles[0]], case_id), np.uint8)
        return np.asarray(label.data)
    return _answer(roles, case_id, work)[0]


def _answer(roles: Sequence[str], case_id: str, work: Work) -> Answer:
    paths = [probability_path(work.inputs[role], case_id) for role in roles]
    probabilities = np.load(paths[0]).astype(np.float32)
    for path in paths[1:]:
        probabilities += np.load(path, mmap_mode="r")
    probabilities /= len(paths)
    if len(roles) == 1:
        return _classes(roles, case_id, work), probabilities
    return probabilities.argmax(axis=0).astype(np.uint8), probabilities
