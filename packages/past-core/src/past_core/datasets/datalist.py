"""A data set as a ``dataset.json`` that lists its files.

::

    {
      "name": "lumbar",
      "labels": {"background": 0, "vertebral_body": 1},
      "source": [{"image": "source/A_image.nii.gz", "label": "source/A_label.nii.gz"}],
      "target": ["target/B_image.nii.gz", {"image": "target/C.nii.gz", "protocol": "448"}],
      "test":   [{"image": "test/D_image.nii.gz", "label": "test/D_label.nii.gz"}],
      "validation": [],
      "roi":    {"lower": [0.25, 0.25, 0.0], "upper": [0.75, 0.625, 1.0]}
    }

Paths are relative to the file's folder. Labels of target cases serve the oracle alone. A scan
may be listed as target and test: then its label is for scoring only.
``test`` is optional: without it, the target's scans are segmented. So are ``validation``, labelled
target scans to choose settings by, ``roi``, fractions of canonical (RAS+) axes (see
``past_core.roi.ROI``), and ``translation_roi``, a larger region that translators see.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from past_core.case import Case, Domain
from past_core.checking import SCORED
from past_core.config import PluginConfig
from past_core.dataset import Dataset
from past_core.errors import ConfigError, DataError
from past_core.files import is_file, read_json
from past_core.interfaces.reader import DatasetReader
from past_core.labels import Labels
from past_core.naming import SUFFIXES, stem
from past_core.problems import listing, shown
from past_core.roi import ROI

__all__ = ["DatalistConfig", "DatalistReader"]


class DatalistConfig(PluginConfig):
    """Where the list is."""

    file: str = "dataset.json"
    """Name of the list in the data set's folder."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class _Entry(_Strict):
    image: str
    label: str | None = None
    protocol: str | None = None
    id: str | None = None


class _Region(_Strict):
    lower: tuple[float, float, float]
    upper: tuple[float, float, float]


def _as_entry(value: Any) -> Any:  # noqa: ANN401
    return {"image": value} if isinstance(value, str) else value


_Entries = list[Annotated[_Entry, BeforeValidator(_as_entry)]]


class _List(_Strict):
    name: str | None = None
    labels: dict[str, int]
    source: _Entries
    target: _Entries
    test: _Entries = []
    validation: _Entries = []
    roi: _Region | None = None
    translation_roi: _Region | None = None


class DatalistReader(DatasetReader):
    """Opens a folder by its ``dataset.json``.

    A case's id, unless the entry has one, is its image's file name without suffix and without a
    trailing ``_image``.
    """

    config: DatalistConfig

    def recognises(self, folder: Path) -> bool:
        """Whether the list is there and speaks of source or target.

        The text is searched rather than parsed, so that a list with a misplaced comma is
        still known, and its error shown; nnU-Net's ``dataset.json`` is another thing.
        """
        try:
            text = (folder / self.config.file).read_text("utf-8")
        except (OSError, ValueError):
            return False
        return '"source"' in text or '"target"' in text

    def open(self, folder: Path) -> Dataset:
        """Read the list and see that its files are there.

        Raises
        ------
        DataError
            If the list is missing or no JSON; or naming every wrong key and value; or
            naming every missing and doubled file.
        """
        path = folder / self.config.file
        content = _parse(path)
        labels = Labels.from_mapping(content.labels, str(path))
        problems: list[str] = []
        parts = {
            "source": _cases(folder, "source", content.source, Domain.SOURCE, problems),
            "target": _cases(folder, "target", content.target, Domain.TARGET, problems),
            "test": _cases(folder, "test", content.test, Domain.TARGET, problems),
            "validation": _cases(folder, "validation", content.validation, Domain.TARGET, problems),
        }
        problems += [
            f"{part}: {case.image} has no label. Add it, or move the image to another list."
            for part in ("source", "validation")
            for case in parts[part]
            if case.label is None
        ]
        _report_doubles(parts, problems)
        if problems:
            raise listing(str(path), problems)
        roi, wide = _roi(content.roi, path) or ROI(), _roi(content.translation_roi, path)
        if wide is not None:
            _require_within(roi, wide, path)
        return Dataset(
            content.name or folder.absolute().name,
            labels,
            parts["source"],
            parts["target"],
            parts["test"],
            parts["validation"],
            roi=roi,
            translation_roi=wide,
        )


def _parse(path: Path) -> _List:
    if not path.is_file():
        raise DataError(
            f"{path}: no such file. Write one that lists labels, source, target and test."
        )
    content = read_json(path, "Correct it there.")
    try:
        return _List.model_validate(content)
    except ValidationError as error:
        problems = [_explain(problem) for problem in error.errors()]
        raise listing(str(path), problems) from error


def _explain(problem: Any) -> str:  # noqa: ANN401
    """One line for one of pydantic's findings, with the keys that are known there."""
    loc = problem["loc"]
    key = ".".join(str(part) for part in loc) or "the list"
    model: type[BaseModel] = _List
    if len(loc) > 1:
        model = _Region if loc[0] in ("roi", "translation_roi") else _Entry
    known = ", ".join(model.model_fields)
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key. Known keys: {known}. Rename or remove it."
    if problem["type"] == "missing":
        return f"{key}: missing. Add it; known keys: {known}."
    return f"{key}: {problem['msg']}, got {shown(problem['input'])}. Correct the value."


def _cases(
    folder: Path, part: str, entries: list[_Entry], domain: Domain, problems: list[str]
) -> tuple[Case, ...]:
    cases = []
    for entry in entries:
        image = folder / entry.image
        label = None if entry.label is None else folder / entry.label
        for path in (image, label):
            if path is None:
                continue
            if not path.name.endswith(SUFFIXES):
                problems.append(
                    f"{part}: {path}: PAST reads .nii and .nii.gz. Convert it to NIfTI."
                )
            elif not is_file(path):
                problems.append(
                    f"{part}: {path}: no such file. Correct the path, or remove the entry."
                )
        cases.append(Case(entry.id or _case_id(image), domain, image, label, entry.protocol))
    return tuple(cases)


def _case_id(image: Path) -> str:
    return stem(image.name).removesuffix("_image")


def _report_doubles(parts: dict[str, tuple[Case, ...]], problems: list[str]) -> None:
    places: dict[str, list[str]] = {}
    target = {(case.id, case.image) for case in parts["target"]}
    for part, cases in parts.items():
        for case in cases:
            if part not in SCORED or (case.id, case.image) not in target:
                places.setdefault(case.id, []).append(f"{part}: {case.image}")
    for case_id, where in places.items():
        if len(where) > 1:
            problems.append(
                f"{len(where)} cases are named {case_id}: {'; '.join(where)}. "
                "List each image once (a target scan may be a test scan too), and rename files "
                "of one name."
            )


def _require_within(roi: ROI, wide: ROI, path: Path) -> None:
    try:
        roi.require_within(wide)
    except ConfigError as error:
        raise DataError(f"{path}: {error}") from error


def _roi(region: _Region | None, path: Path) -> ROI | None:
    if region is None:
        return None
    try:
        return ROI(region.lower, region.upper)
    except ConfigError as error:
        raise DataError(f"{path}: {error}") from error
