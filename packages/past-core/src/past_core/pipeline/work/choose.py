"""Which of several systems to apply: by figures that need no label of the target, or by labels.

Parameters of ``choose`` and ``trust``: ``labels``; ``validators`` (plugins); ``cases`` (scans to
judge by) and ``source`` (scans with labels); ``models``, of each prediction's role its segmenter
``plugin`` and ``prediction`` settings, whose model is the input ``ROLE-model``; ``candidates`` in
order of adaptation, of each its ``name`` and by scan its ``answers``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from past_core.case import Domain
from past_core.files import load_json, write_json
from past_core.interfaces import Candidate, Figures, Validator
from past_core.labels import Labels
from past_core.masks import masks_of
from past_core.pipeline.layout import CHOICE, TRUST, label_path
from past_core.pipeline.work.candidates import systems_of
from past_core.pipeline.work.workspace import Work
from past_core.ranking import best, known_mean, mean_figures
from past_core.scoring import VALIDATION
from past_core.volume import load_volume

__all__ = ["choose", "choose_by_validation", "trust"]


def choose(params: Mapping[str, Any], work: Work) -> None:
    """Let validators judge every candidate on unlabelled scans; write figures and the best."""
    candidates = systems_of(params, work)
    figures = {
        plugin["name"]: _assessed(work.create(plugin), candidates, params, work)
        for plugin in params["validators"]
    }
    chosen, ranks = best(figures, [candidate.name for candidate in candidates])
    write_json(
        work.folder / CHOICE,
        {
            "chosen": chosen,
            "ranks": ranks,
            "means": {name: mean_figures(found) for name, found in figures.items()},
            "figures": figures,
        },
    )


def choose_by_validation(params: Mapping[str, Any], work: Work) -> None:
    """Take the candidate of the best mean score, over structures too, on validation scans.

    Parameters
    ----------
    params
        ``labels``; ``metric`` (a plugin, of which more is better); ``candidates`` in order of
        adaptation, whose names are the inputs of their segmentations; ``cases``: of each
        validation scan its ``id`` and the SHA-256 of its ``label``.
    """
    metric, labels = work.create(params["metric"]), Labels(tuple(params["labels"]))
    figures: dict[str, dict[str, float]] = {name: {} for name in params["candidates"]}
    for done, case in enumerate(params["cases"], start=1):
        reference = load_volume(work.file(case["label"]), np.uint8)
        for name, values in figures.items():
            path = label_path(work.inputs[name], case["id"])
            prediction = load_volume(path, np.uint8)
            found = [metric(masks) for masks in masks_of(prediction, reference, labels)]
            values[case["id"]] = known_mean(found)
        work.progress(done, len(params["cases"]), case["id"])
    heading = f"{VALIDATION} {params['metric']['name']}"
    chosen, ranks = best({heading: figures}, params["candidates"])
    write_json(
        work.folder / CHOICE,
        {
            "chosen": chosen,
            "by": VALIDATION,
            "ranks": ranks,
            "means": {heading: mean_figures(figures)},
            "figures": {heading: figures},
        },
    )


def trust(params: Mapping[str, Any], work: Work) -> None:
    """Let validators judge the chosen candidate on each scan that it is applied to.

    What was chosen is in the input ``choice``; by validator and scan the figures are written.
    """
    chosen = load_json(work.inputs["choice"] / CHOICE)["chosen"]
    candidates = systems_of(params, work)
    alone = [candidate for candidate in candidates if candidate.name == chosen]
    figures = {}
    for plugin in params["validators"]:
        validator: Validator = work.create(plugin)
        judged = candidates if validator.compares else alone
        figures[plugin["name"]] = _assessed(validator, judged, params, work)[chosen]
    write_json(work.folder / TRUST, {"system": chosen, "figures": figures})


def _assessed(
    validator: Validator, candidates: Sequence[Candidate], params: Mapping[str, Any], work: Work
) -> Figures:
    scans = [work.case(entry, Domain.TARGET) for entry in params["cases"]]
    source = [work.case(entry, Domain.SOURCE) for entry in params["source"]]
    labels = Labels(tuple(params["labels"]))
    return validator.assess(candidates, scans, source, labels, work.progress)
