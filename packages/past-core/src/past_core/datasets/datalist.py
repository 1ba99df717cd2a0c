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

from past_core.case import Case, Domain
from past_core.checking import SCORED
from past_core.config import PluginConfig
from past_core.dataset import Dataset
from past_core.datasets.listed import Entry, Region, read_list
from past_core.datasets.parts import outside
from past_core.errors import ConfigError, DataError
from past_core.files import exists, is_file, read_json
from past_core.interfaces.reader import DatasetReader
from past_core.labels import Labels
from past_core.naming import SUFFIXES, case_id, stem
from past_core.problems import SHOWN, listing
from past_core.roi import ROI

__all__ = ["DatalistConfig", "DatalistReader"]


class DatalistConfig(PluginConfig):
    """Where the list is."""

    file: str = "dataset.json"
    """Name of the list in the data set's folder."""
    outside: bool = False
    """Whether paths in the list may lead out of the folder."""


class DatalistReader(DatasetReader):
    """Opens a folder by its ``dataset.json``.

    A case's id, unless the entry has one, is its image's file name without suffix and without a
    trailing ``_image``.
    """

    config: DatalistConfig

    def recognises(self, folder: Path) -> bool:
        """Whether the list is there, and is none of another tool's.

        One that cannot be read is known too, so that its error is shown; nnU-Net's
        ``dataset.json`` has neither source nor target.
        """
        path = folder / self.config.file
        if not exists(path):
            return False
        try:
            content = read_json(path, "")
        except DataError:
            return True
        return not isinstance(content, dict) or bool({"source", "target"} & content.keys())

    def open(self, folder: Path) -> Dataset:
        """Read the list and see that its files are there.

        Raises
        ------
        DataError
            If the list is missing or no JSON; or naming every wrong key and value; or
            naming every missing and doubled file.
        """
        path = folder / self.config.file
        content = read_list(path)
        labels = Labels.from_mapping(content.labels, str(path))
        listed = {
            "source": content.source,
            "target": content.target,
            "test": content.test,
            "validation": content.validation,
        }
        problems: list[str] = []
        if not self.config.outside:
            for part, entries in listed.items():
                paths = [path for entry in entries for path in (entry.image, entry.label)]
                problems += outside(folder, folder, paths, part)
        parts = {part: _cases(folder, part, entries, problems) for part, entries in listed.items()}
        problems += [
            f"{part}: {case.image} has no label. Add it, or move the image to another list."
            for part in ("source", "validation")
            for case in parts[part]
            if case.label is None
        ]
        if len(problems) < SHOWN:  # more are not told
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


def _cases(folder: Path, part: str, entries: list[Entry], problems: list[str]) -> tuple[Case, ...]:
    domain = Domain.SOURCE if part == "source" else Domain.TARGET
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
    name = stem(image.name)
    return case_id(name.removesuffix("_image") or name)


def _report_doubles(parts: dict[str, tuple[Case, ...]], problems: list[str]) -> None:
    places: dict[str, list[str]] = {}
    target = {(case.id, case.image) for case in parts["target"]}
    for part, cases in parts.items():
        for case in cases:
            if part not in SCORED or (case.id, case.image) not in target:
                places.setdefault(case.id, []).append(f"{part}: {case.image}")
    for name, where in places.items():
        if len(where) > 1:
            problems.append(
                f"{len(where)} cases are named {name}: {'; '.join(where)}. "
                "List each image once (a target scan may be a test scan too), and rename files "
                "of one name."
            )


def _require_within(roi: ROI, wide: ROI, path: Path) -> None:
    try:
        roi.require_within(wide)
    except ConfigError as error:
        raise DataError(f"{path}: {error}") from error


def _roi(region: Region | None, path: Path) -> ROI | None:
    if region is None:
        return None
    try:
        return ROI(region.lower, region.upper)
    except ConfigError as error:
        raise DataError(f"{path}: {error}") from error
