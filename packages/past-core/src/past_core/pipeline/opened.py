"""A run read from its files alone: for tables, pictures, comparisons and reports."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from past_core.errors import DataError
from past_core.files import read_json
from past_core.pipeline.events import StageReport
from past_core.pipeline.finished import finished_stages, training_curves
from past_core.pipeline.ingredients import unused_ingredients
from past_core.pipeline.layout import (
    CHOICE,
    INVENTORY,
    RECIPE,
    RUN,
    SCORES,
    SEGMENTATIONS,
    STAGES,
    SYSTEMS,
    TRUST,
    image_path,
    label_path,
)
from past_core.pipeline.systems_file import load_systems
from past_core.pipeline.translations import Translations, old_translations, translations_of
from past_core.roi import ROI
from past_core.scoring import MEAN, TEST, Score, Summary, read_scores, summarise

__all__ = ["Run", "Segmented", "open_run"]


@dataclass(frozen=True)
class Segmented:
    """One test scan and what each system made of it."""

    case: str
    image: Path
    """Cropped."""
    reference: Path | None
    """The label on the original grid, if there is one."""
    predictions: dict[str, Path]
    """System to its segmentation on the original grid."""


@dataclass(frozen=True)
class Run:
    """A run folder; nothing of it is kept in memory, and nothing is written."""

    folder: Path

    @cached_property
    def record(self) -> dict[str, Any]:
        """What ``run.json`` says; empty for a run of before there was one."""
        try:
            content: dict[str, Any] = read_json(self.folder / RUN)
        except (FileNotFoundError, ValueError):
            return {}
        return content

    @property
    def recipe(self) -> str:
        """Text of the recipe with every setting; empty if there is none."""
        return _text(self.folder / RECIPE)

    @property
    def systems_file(self) -> str:
        """Text of the systems file; empty if there is none."""
        return _text(self.folder / SYSTEMS)

    @property
    def systems(self) -> list[str]:
        """Names of the systems, in the order of their tables."""
        if "systems" in self.record:
            return [system["name"] for system in self.record["systems"]]
        return list(dict.fromkeys(score.system for score in self.scores()))

    @property
    def answer(self) -> str | None:
        """The system whose segmentations a user should take, if the run says so."""
        name: str | None = self.record.get("answer")
        return name

    def segmentations(self, system: str) -> Path:
        """Folder of a system's segmentations, one file a scan, named as the scans."""
        return self.folder / SEGMENTATIONS / system

    @property
    def structures(self) -> list[str]:
        """Names of the labelled structures, in the order of their values."""
        if "labels" in self.record:
            return [name for name, value in self.record["labels"].items() if value]
        return list(dict.fromkeys(score.structure for score in self.scores()))

    def scores(self) -> list[Score]:
        """Every score; none if the run has not come to them."""
        path = self.folder / SCORES
        return read_scores(path) if path.is_file() else []

    def summaries(self, part: str = TEST) -> list[Summary]:
        """Mean and standard deviation over cases of every system, structure and metric.

        Parameters
        ----------
        part
            ``test``, or ``validation``.
        """
        return summarise([score for score in self.scores() if score.part == part])

    def mean_scores(self, metric: str) -> dict[str, float]:
        """Every system's mean on the test scans, over structures too."""
        return {
            summary.system: summary.mean
            for summary in self.summaries()
            if summary.structure == MEAN and summary.metric == metric
        }

    def case_scores(self, system: str, metric: str) -> dict[str, float]:
        """A system's mean over structures on each test scan; undefined values are left out."""
        values: dict[str, list[float]] = {}
        for score in self.scores():
            wanted = (score.system, score.metric, score.part) == (system, metric, TEST)
            if wanted and not math.isnan(score.value):
                values.setdefault(score.case, []).append(score.value)
        return {case: math.fsum(found) / len(found) for case, found in values.items()}

    def choices(self) -> dict[str, dict[str, Any]]:
        """What each choosing system chose, and by which figures.

        ``chosen``, and of every candidate ``ranks``; by validator and candidate ``means``; by
        scan too ``figures``.
        """
        return self._judged("choice", CHOICE)

    def left_out(self, system: str) -> list[str]:
        """What the candidates of a choosing system had that the chosen one has not.

        ``translation aligned``, ``round 2 of resunet``; nothing if the run has not chosen yet.
        """
        choice = self.choices().get(system)
        if choice is None:
            return []
        systems = load_systems(self.folder / SYSTEMS)
        return unused_ingredients(systems, choice["chosen"], choice["ranks"])

    def trust(self) -> dict[str, dict[str, dict[str, float]]]:
        """Of each choosing system, by validator and scan, how far to trust its segmentations."""
        return {name: found["figures"] for name, found in self._judged("trust", TRUST).items()}

    def _judged(self, stage: str, file: str) -> dict[str, dict[str, Any]]:
        found = {}
        for system in self.record.get("systems", ()):
            path = self.folder / STAGES / (system.get(stage) or "") / file
            if system.get(stage) and path.is_file():
                found[system["name"]] = read_json(path)
        return found

    def stages(self) -> list[StageReport]:
        """Finished stages that this run uses, and what they cost."""
        return finished_stages(self.folder / STAGES, self.record.get("stages"))

    def curves(self) -> Iterator[tuple[str, list[dict[str, float]]]]:
        """Training curves by stage: rows of ``record/losses.csv``, numbers by column."""
        return training_curves(self.folder / STAGES, self.stages())

    def translations(self) -> list[Translations]:
        """Fitted translators with their images and label-free figures."""
        stages = self.folder / STAGES
        return translations_of(stages, self.record) if self.record else old_translations(stages)

    def segmented(self) -> list[Segmented]:
        """Test scans with the systems' segmentations; none for a run of before ``run.json``."""
        if not self.record:
            return []
        stages = self.folder / STAGES
        test = stages / self.record["scans"].get("test", "")
        references = self.references()
        return [
            Segmented(
                case,
                image_path(test, case),
                references.get(case),
                {
                    system["name"]: label_path(stages / system["segmentations"], case)
                    for system in self.record["systems"]
                },
            )
            for case in self.record["cases"]["test"]
        ]

    @property
    def roi(self) -> ROI:
        """The region that everything was cropped to."""
        return ROI.of(self.record["roi"]) if "roi" in self.record else ROI()

    def unused(self) -> list[Path]:
        """Folders of stages that the newest run does not use."""
        if not self.record:
            raise DataError(
                f"{self.folder}: not a run folder, or of an older version: it has no {RUN}."
            )
        kept = set(self.record["stages"])
        return sorted(p for p in (self.folder / STAGES).glob("*") if p.name not in kept)

    @cached_property
    def inventory(self) -> dict[str, Any]:
        """What the check of the data found: ``cases`` and ``files``; empty if there is none."""
        for name in self.record.get("stages", ()):
            path = self.folder / STAGES / name / INVENTORY
            if path.is_file():
                content: dict[str, Any] = read_json(path)
                return content
        return {}

    def references(self) -> dict[str, Path]:
        """Labels of test and validation scans, by case."""
        return {
            case["id"]: Path(case["label"])
            for case in self.inventory.get("cases", ())
            if case["part"] in ("test", "validation") and case["label"]
        }

    def reference_hashes(self) -> dict[str, str]:
        """SHA-256 of those labels, by case."""
        return {
            case: self.inventory["files"][str(path)]["sha256"]
            for case, path in self.references().items()
        }


def open_run(folder: Path) -> Run:
    """Open a run folder of this version or an older one.

    Raises
    ------
    DataError
        If the folder holds no run.
    """
    if not any((folder / name).exists() for name in (RUN, RECIPE, SCORES, STAGES)):
        raise DataError(
            f"{folder}: no run is here (none of {RUN}, {RECIPE}, {SCORES}). Name the folder that "
            "past-cli pipeline --out was given."
        )
    return Run(folder)


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
