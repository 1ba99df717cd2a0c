"""A data set in BIDS, with labels among its derivatives.

::

    dataset_description.json
    sub-01/[ses-1/]anat/sub-01_[ses-1_]ce-gadolinium_T1w.nii.gz
    sub-02/anat/sub-02_T2w.nii.gz
    derivatives/manual/dseg.tsv                              index, name
    derivatives/manual/sub-01/anat/sub-01_ce-gadolinium_dseg.nii.gz

    past-cli pipeline --data . --set dataset.source=T1w --set dataset.target=T2w

Source and target are named by their suffix (``T1w``), or by entities and suffix where a suffix
alone is not enough (``ce-gadolinium_T1w``). The settings may be left out where there are just two
suffixes, one of them labelled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import ConfigDict

from past_core.config import PluginConfig
from past_core.datasets.choice import source_and_target
from past_core.datasets.halves import Half, Scan, joined
from past_core.errors import DataError
from past_core.files import read_json
from past_core.headers import read_header
from past_core.interfaces.reader import DatasetReader
from past_core.labels import Labels
from past_core.naming import nifti_files, stem
from past_core.problems import listing
from past_core.table import read_rows
from past_core.volume import same_grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from past_core.dataset import Dataset

__all__ = ["BidsConfig", "BidsReader"]

DESCRIPTION = "dataset_description.json"
LABEL = "dseg"
OF_LABELS = frozenset({"space", "desc", "res", "label", "seg", "atlas"})
"""Entities that a label's name may have and its image's has not."""


OWN = ("orig", "individual")
"""Values of ``space`` that mean the scan's own; others but a suffix are those of a template."""


class BidsConfig(PluginConfig):
    """Which contrast is which, and where labels are."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    source: str = ""
    """The source's suffix, ``T1w``, or with entities, ``ce-gadolinium_T1w``."""
    target: str = ""
    """The target's."""
    derivatives: str = ""
    """The folder in ``derivatives`` that has the labels; left empty, the one that has any."""
    desc: str = ""
    """Only labels of this ``desc-``, where scans have several."""
    test: str = ""
    """Subjects whose target scans are segmented, and of whom nothing is learnt, ``sub-07,sub-08``;
    left empty, all are learnt from and segmented. Labels of theirs are for scoring only."""
    labels: str = ""
    """Structures and their values, ``vs=1,cochlea=2``; left empty, as ``dseg.tsv`` has them, or
    else after the values that source labels have."""


@dataclass(frozen=True)
class _Image:
    path: Path
    entities: Mapping[str, str]
    suffix: str


class BidsReader(DatasetReader):
    """Opens a BIDS folder; a case's id is its image's file name without suffix."""

    config: BidsConfig

    def recognises(self, folder: Path) -> bool:
        """Whether its description says that it is BIDS and a subject is there."""
        try:
            described = read_json(folder / DESCRIPTION, "")
        except DataError:
            return False
        return (
            isinstance(described, dict)
            and "BIDSVersion" in described
            and any(path.is_dir() for path in folder.glob("sub-*"))
        )

    def open(self, folder: Path) -> Dataset:
        """List anatomical scans, and find the labels that belong to them.

        Raises
        ------
        DataError
            If it is not clear which contrast is which or where labels are; or naming every
            source scan without a label, every label that fits several, and unknown subjects.
        """
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder. Check the path of the data set.")
        images = list(_images(folder))
        place = _derivative(folder, self.config.derivatives)
        problems: list[str] = []
        suffixes = {image.suffix for image in images}
        files = _images(place) if place else ()
        drawn = [file for file in files if self._is_label(file, suffixes)]
        labels = _belonging(images, drawn, problems)
        names = self._contrasts(images, labels, folder)
        chosen = [
            [image for image in images if _is(image, name) and not _better(image, name, other)]
            for name, other in (names, names[::-1])
        ]
        tested = _subjects(self.config.test, chosen[1], problems)
        if problems:
            raise listing(str(folder), problems)
        declared = None if self.config.labels else _declared(place, folder)
        scans: list[list[Scan]] = [[], [], []]
        left_out = 0
        for part, image in [(n, image) for n, all_of in enumerate(chosen) for image in all_of]:
            held_out = image.entities["sub"] in tested
            if held_out and part == 0:
                left_out += 1  # one's anatomy would be learnt from its other contrast
                continue
            scans[2 if held_out else part].append((image.path, labels.get(image.path)))
        source, target = (
            Half(folder, declared, scans[0]),
            Half(folder, None, scans[1], (), scans[2]),
        )
        dataset = joined("-to-".join(names), source, target, self.config.labels)
        said = f"source: {left_out} scans of test subjects are left out"
        return replace(dataset, notes=(*dataset.notes, said)) if left_out else dataset

    def _is_label(self, file: _Image, suffixes: set[str]) -> bool:
        """Whether it is a label on a scan's own grid, and of the ``desc`` that is asked for."""
        return (
            file.suffix == LABEL
            and self.config.desc in ("", file.entities.get("desc"))
            and file.entities.get("space", "orig") in (*OWN, *suffixes)
        )

    def _contrasts(
        self, images: list[_Image], labels: Mapping[Path, Path], folder: Path
    ) -> tuple[str, str]:
        found: dict[str, bool] = {}
        for image in images:
            found[image.suffix] = found.get(image.suffix, False) or image.path in labels
        for name in (self.config.source, self.config.target):
            if any(_is(image, name) for image in images):
                found.setdefault(name, False)
        return source_and_target(
            found, self.config.source, self.config.target, str(folder), "contrast"
        )


def _images(root: Path) -> Iterator[_Image]:
    """Anatomical images of all subjects and sessions, by name."""
    for pattern in ("sub-*/anat", "sub-*/ses-*/anat"):
        for folder in sorted(root.glob(pattern)):
            for path in nifti_files(folder):
                *entities, suffix = stem(path.name).split("_")
                pairs = [entity.split("-", 1) for entity in entities if "-" in entity]
                if len(pairs) == len(entities) and pairs and pairs[0][0] == "sub":
                    yield _Image(path, dict(pairs), suffix)


def _is(image: _Image, name: str) -> bool:
    """Whether an image is of a contrast: it has the suffix and all entities named."""
    *entities, suffix = name.split("_")
    wanted = dict(entity.partition("-")[::2] for entity in entities)
    return image.suffix == suffix and wanted.items() <= image.entities.items()


def _better(image: _Image, name: str, other: str) -> bool:
    """Whether the other name says more of an image: ``ce-gd_T1w`` than ``T1w``."""
    return other.count("_") > name.count("_") and _is(image, other)


def _derivative(folder: Path, name: str) -> Path | None:
    """The folder of labels."""
    places = {
        path.name: path
        for path in sorted((folder / "derivatives").glob("*"))
        if any(label.suffix == LABEL for label in _images(path))
    }
    if name and name not in places:
        raise DataError(
            f"{folder / 'derivatives' / name}: no file ..._{LABEL}.nii.gz of a subject is in it; "
            f"others that have some: {', '.join(places) or 'none'}. Correct dataset.derivatives."
        )
    if not name and len(places) > 1:
        raise DataError(
            f"{folder / 'derivatives'}: labels are in {', '.join(places)}. Say which by "
            "--set dataset.derivatives=NAME."
        )
    return places[name] if name else next(iter(places.values()), None)


def _belonging(images: list[_Image], files: list[_Image], problems: list[str]) -> dict[Path, Path]:
    """Labels by their image.

    A label has its image's entities, besides such as only labels have; an entity that is left out
    says nothing. Of several images that fit by name, those on its grid do; ``space-T1w`` names
    the contrast it is drawn on.
    """
    found: dict[Path, Path] = {}
    for label in files:
        fitting = [image for image in images if _fits(label, image)]
        if len(fitting) > 1:
            grid = read_header(label.path)
            fitting = [image for image in fitting if same_grid(read_header(image.path), grid)]
        if len(fitting) == 1 and fitting[0].path not in found:
            found[fitting[0].path] = label.path
            continue
        problems.append(_unclear(label.path, [image.path for image in fitting], found))
    return found


def _unclear(label: Path, fitting: list[Path], found: Mapping[Path, Path]) -> str:
    if not fitting:
        return f"{label}: a label without an image. Name it with its image's entities."
    names = ", ".join(image.name for image in fitting)
    if len(fitting) > 1:
        return (
            f"{label}: could be the label of {names}. Name the contrast that it is drawn on, as in "
            "space-T1w."
        )
    return (
        f"{label}: {names} has a label already, {found[fitting[0]].name}. Say which ones to take "
        "by --set dataset.desc=NAME, or remove one."
    )


def _fits(label: _Image, image: _Image) -> bool:
    own = {key: value for key, value in label.entities.items() if key not in OF_LABELS}
    space = label.entities.get("space", OWN[0])
    return own.items() <= image.entities.items() and space in (image.suffix, *OWN)


def _subjects(text: str, target: list[_Image], problems: list[str]) -> set[str]:
    wanted = {name.strip().removeprefix("sub-") for name in text.split(",") if name.strip()}
    unknown = sorted(wanted - {image.entities["sub"] for image in target})
    if unknown:
        problems.append(
            f"dataset.test: subject {', '.join(unknown)} has no target scan. Correct the setting."
        )
    return wanted


def _declared(place: Path | None, folder: Path) -> Labels | None:
    """Structures by ``dseg.tsv`` of the derivative, or of the data set."""
    for path in [*([place / "dseg.tsv"] if place else []), folder / "dseg.tsv"]:
        if not path.is_file():
            continue
        rows = read_rows(path, "name", "index", delimiter="\t")
        try:
            values = {row["name"]: int(row["index"]) for row in rows}
        except ValueError as error:
            raise DataError(
                f"{path}: not a table of index and name ({error}). Correct it."
            ) from error
        structures = {name: value for name, value in values.items() if value}
        return Labels.from_mapping({"background": 0} | structures, str(path))
    return None
