"""Which stages a run has and what each depends on."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from past_core.case import Case
from past_core.dataset import Dataset
from past_core.errors import DataError
from past_core.pipeline.layout import fit_stage, segment_stage
from past_core.pipeline.settings import Settings
from past_core.pipeline.stage import Stage
from past_core.pipeline.stages import Stages
from past_core.plugins import Registry

__all__ = ["plan"]


def plan(settings: Settings, dataset: Dataset, registry: Registry) -> list[Stage]:
    """The stages of a run, each after those it needs.

    Raises
    ------
    DataError
        If an oracle is asked for and the target has no labels.
    """
    if settings.oracle:
        _require_target_labels(dataset)
    does = Stages(settings, dataset, registry)
    segmenter = {"segmenter": settings.segmenter.as_json()}
    stages = [
        Stage("crop", (), _crop_settings(settings, dataset, does), does.crop),
        Stage("fit-no-da", ("crop",), segmenter, does.fit_no_da),
        Stage(
            "fit-translator",
            ("crop",),
            {"translator": settings.translator.as_json()},
            does.fit_translator,
        ),
        Stage("translate", ("crop", "fit-translator"), {}, does.translate),
        *_variation(settings, does),
        Stage("fit-translated", ("crop", *_translated(settings)), segmenter, does.fit_translated),
        *_self_training(settings, does),
    ]
    if settings.oracle:
        stages.append(Stage("fit-oracle", ("crop",), segmenter, does.fit_oracle))
    for system in settings.systems:
        needs = ("crop", fit_stage(system))
        work = partial(does.segment, system=system)
        stages.append(Stage(segment_stage(system), needs, {}, work))
    metrics = {choice.name: choice.as_json() for choice in settings.metrics}
    segmented = tuple(segment_stage(system) for system in settings.systems)
    stages.append(Stage("score", segmented, {"metrics": metrics}, does.score))
    return stages


def _variation(settings: Settings, does: Stages) -> list[Stage]:
    """Copies of translated scans, if any are asked for."""
    copies = settings.pipeline.copies
    if not copies.number:
        return []
    return [Stage("vary", ("crop", "translate"), copies.model_dump(mode="json"), does.vary)]


def _translated(settings: Settings) -> tuple[str, ...]:
    """The stages that hold translated scans to train on."""
    return ("translate", "vary") if settings.pipeline.copies.number else ("translate",)


def _self_training(settings: Settings, does: Stages) -> list[Stage]:
    """Algorithm 1's loop: label X_c with S_{k-1}, select, train S_k from S_{k-1}."""
    if settings.strategy is None:
        return []
    stages = []
    strategy = {"strategy": settings.strategy.as_json()}
    source_labels = {"source_labels": settings.pipeline.source_labels}
    segmenter = {"segmenter": settings.segmenter.as_json()}
    previous = "fit-translated"
    for k in range(1, settings.rounds + 1):
        label, select, fit = f"label-st{k}", f"select-st{k}", fit_stage(f"st{k}")
        stages += [
            Stage(
                label,
                ("crop", "translate", previous),
                source_labels,
                partial(does.label, previous=previous),
            ),
            Stage(
                select,
                ("crop", "translate", label),
                strategy | source_labels,
                partial(does.select, round_number=k),
            ),
            Stage(
                fit,
                ("crop", *_translated(settings), select, previous),
                segmenter | source_labels,
                partial(does.fit_round, round_number=k, previous=previous),
            ),
        ]
        previous = fit
    return stages


def _crop_settings(settings: Settings, dataset: Dataset, does: Stages) -> dict[str, Any]:
    """The data set's content and how it is cut: everything else follows from them."""
    parts = {"source": dataset.source, "target": dataset.target, "test": dataset.test}
    return {
        "labels": dataset.labels.as_mapping(),
        "roi": [*does.roi.lower, *does.roi.upper],
        "clip_percentile": settings.pipeline.clip_percentile,
        "data": {part: [_identity(case) for case in cases] for part, cases in parts.items()},
    }


def _identity(case: Case) -> dict[str, str | None]:
    return {
        "id": case.id,
        "protocol": case.protocol,
        "image": _hash(case.image),
        "label": None if case.label is None else _hash(case.label),
    }


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_target_labels(dataset: Dataset) -> None:
    missing = [case.id for case in dataset.target if case.label is None]
    if missing:
        raise DataError(
            f"data set {dataset.name}: the oracle trains on target labels, but "
            f"{len(missing)} target case(s) have none ({', '.join(missing[:3])}"
            f"{', ...' if len(missing) > 3 else ''}). Run without the oracle."
        )
