"""What the JSON files of a run folder must hold before anything goes by them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from past_core.errors import DataError
from past_core.files import read_json

__all__ = [
    "AGAIN",
    "ANEW",
    "ApplicationFile",
    "ChoiceFile",
    "InventoryFile",
    "QualityFile",
    "RecordFile",
    "SelectionFile",
    "TrustFile",
    "read_recorded",
]

AGAIN = "Run past-cli pipeline on this folder once more."
ANEW = "Delete {}, and run past-cli pipeline on this folder once more."
"""Of what is damaged; the folder of a stage stands in it."""
SHOWN = 5
LONGEST_NAME = 200


def _plain(name: str) -> str:
    if name in ("", ".", "..") or len(name) > LONGEST_NAME or {"/", "\\", "\0"} & set(name):
        raise ValueError("no plain name of a file or folder")
    os.fsencode(name)  # a ValueError too, of what no file can be called
    return name


Name = Annotated[str, AfterValidator(_plain)]
"""A name that leads nowhere else, whatever it is appended to."""
Count = Annotated[int, Field(ge=0)]
Counts = dict[str, Count]
Figures = dict[str, dict[str, float]]


class _Written(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _System(_Written):
    name: Name
    segmentations: Name
    choice: Name | None = None
    trust: Name | None = None


class _Translation(_Written):
    name: str
    protocol: str | None
    translator: str
    fit: Name
    images: Name
    measured: Name | None = None
    target: list[Name]


class _Selected(_Written):
    model: str
    round: int
    stage: Name


class RecordFile(_Written):
    """``run.json``."""

    labels: dict[str, int]
    cases: dict[str, list[Name]]
    systems: list[_System]
    translations: list[_Translation]
    scans: dict[str, Name]
    stages: list[Name] = Field(min_length=1)
    selections: list[_Selected] = []
    segmentations: dict[str, Name] = {}
    left_out: dict[str, str] = {}
    answer: str | None = None
    roi: list[float] = Field(default=[0.0] * 3 + [1.0] * 3, min_length=6, max_length=6)

    @model_validator(mode="after")
    def _has_parts(self) -> RecordFile:
        if lacking := {"source", "target", "test"} - self.cases.keys():
            raise ValueError(f"cases have no {', '.join(sorted(lacking))}")
        return self


class ApplicationFile(_Written):
    """``application.json``; the rest is checked as the description that is made of it."""

    structures: Any
    roi: Any
    clip_percentile: Any
    protocols: Any
    models: dict[Name, Any]
    systems: dict[str, dict[str, dict[str, list[Name]]]]

    @model_validator(mode="after")
    def _has_models(self) -> ApplicationFile:
        named = {
            stage
            for answers in self.systems.values()
            for structures in answers.values()
            for stages in structures.values()
            for stage in stages
        }
        if unknown := sorted(named - self.models.keys()):
            raise ValueError(f"no model {unknown[0]} is described")
        return self


class ChoiceFile(_Written):
    """``choice.json`` of a system that chooses."""

    chosen: str
    ranks: dict[str, float]
    means: Figures
    figures: dict[str, Figures]

    @model_validator(mode="after")
    def _is_candidate(self) -> ChoiceFile:
        if self.chosen not in self.ranks:
            raise ValueError(f"the chosen system is none of {', '.join(self.ranks)}")
        return self


class TrustFile(_Written):
    """``trust.json`` of a system that chooses."""

    figures: Figures


class _Case(_Written):
    id: Name
    part: str
    image: str
    label: str | None
    doubt: str = ""
    canonical: list[Count] = Field(min_length=3, max_length=3)


class _File(_Written):
    sha256: str


class InventoryFile(_Written):
    """``inventory.json`` of the check of a data set."""

    files: dict[str, _File]
    cases: list[_Case]

    @model_validator(mode="after")
    def _has_files(self) -> InventoryFile:
        for case in self.cases:
            for path in (case.image, case.label):
                if path is not None and path not in self.files:
                    raise ValueError(f"case {case.id}: nothing is said of its file")
        return self


class _Selection(_Written):
    domain: Literal["source", "target"]
    predicted: Counts
    kept: Counts
    guessed: Counts = {}
    added: Counts = {}
    taken: Counts = {}


class SelectionFile(_Written):
    """``selection.json`` of a round."""

    cases: dict[Name, _Selection]


class _Looks(_Written):
    looks: float | None
    cycle: float | None
    continuity: float | None
    score: float | None
    recovery: dict[str, float | None]
    agreement: dict[str, float | None]


class QualityFile(_Written):
    """``quality.json``, which a translator leaves in its record to have its figures shown."""

    chosen: int
    """Key of the translator that was taken, a number of steps."""
    translators: dict[Annotated[str, Field(pattern=r"^[0-9]+$")], _Looks]
    baselines: dict[str, _Looks]
    beats_baselines: bool | None


def read_recorded(path: Path, model: type[BaseModel], remedy: str) -> dict[str, Any]:
    """What a file of a run folder says, once it was seen to have the form of ``model``.

    Raises
    ------
    DataError
        If it cannot be read, or naming what is wrong in it; it ends with the remedy.
    """
    content = read_json(path, remedy)
    try:
        model.model_validate(content)
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}"
            for one in error.errors()[:SHOWN]
        )
        raise DataError(f"{path}: not what PAST writes ({said}). {remedy}") from error
    return dict(content)
