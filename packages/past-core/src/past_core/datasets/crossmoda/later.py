"""crossMoDA 2022 and 2023: several centres, in folders of other names.

2022::

    training_source/  crossmoda2021_ldn_N_ceT1.nii.gz  crossmoda2021_ldn_N_Label.nii.gz
                      crossmoda2022_etz_N_ceT1.nii.gz  crossmoda2022_etz_N_Label.nii.gz
    training_target/  crossmoda2021_ldn_N_hrT2.nii.gz  crossmoda2022_etz_N_hrT2.nii.gz
    validation/       the same, to be segmented
    infos_*.csv       crossmoda_name, group, center, koos

2023::

    TrainingSource/   crossmoda2023_{ldn,etz,ukm}_N_ceT1.nii.gz  ..._Label.nii.gz
    TrainingTarget/   crossmoda2023_{ldn,etz,ukm}_N_T2.nii.gz
    crossmoda23_validation/

The folders may lie where the archives put them: training folders within one ``..._training``,
validation scans in a folder whose name ends with ``validation``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from past_core.case import Case, Domain
from past_core.dataset import Dataset
from past_core.datasets.crossmoda.edition2021 import LABELS
from past_core.datasets.crossmoda.layout import Files, Part, cases, lonely, scan, unlabelled
from past_core.errors import DataError
from past_core.interfaces.reader import DatasetReader
from past_core.labels import Labels
from past_core.problems import listing
from past_core.roi import ROI
from past_core.table import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["CrossModa2022Reader", "CrossModa2023Reader", "Edition"]

CENTRES = {"ldn": "London", "etz": "Tilburg", "ukm": "UKM"}
"""By the tag in a scan's name; ``infos_*.csv`` goes before."""

REGION = ROI(lower=(3 / 16, 3 / 16, 0), upper=(13 / 16, 13 / 16, 1))
"""The winner's region of 2022, [3W/16:13W/16, 3H/16:13H/16, 0:D]: it lies in the middle, so the
end that H is counted from makes no difference."""

AFTER_SURGERY = "post-operative"
"""What the column ``koos`` begins with for scans that were made after an operation."""


@dataclass(frozen=True)
class Edition:
    """What one year's folders and files are called."""

    year: int
    source: str
    target: str
    sets: str
    """The first part of a scan's name, as a regular expression."""
    tags: str
    """Of its centres."""
    contrast: str
    """How target scans' names end."""
    labels: Labels
    example: str
    """A scan's name."""
    ending: str
    """What its container writes behind the name of a scan that it segments."""


class _LaterReader(DatasetReader):
    edition: ClassVar[Edition]

    def recognises(self, folder: Path) -> bool:
        """Whether the two training folders are there, with files of this edition's names."""
        root = _training(folder, self.edition)
        if root is None:
            return False
        name = _name(self.edition)
        return any(name.fullmatch(path.name) for path in (root / self.edition.source).iterdir())

    def open(self, folder: Path) -> Dataset:
        """List the cases by centre and number.

        Raises
        ------
        DataError
            Naming every missing or unexpected file, every missing or empty folder, and a table
            of centres that cannot be read.
        """
        edition = self.edition
        root = _training(folder, edition) or folder
        problems: list[str] = []
        source = scan(_part(root / edition.source, edition, "ceT1", "Label"), problems)
        target = scan(_part(root / edition.target, edition, edition.contrast), problems)
        test: Files = {}
        for place in _validation(folder):
            test |= scan(_part(place, edition, edition.contrast, "Label"), problems)
        problems += [*unlabelled(source, "ceT1"), *lonely(source, "ceT1")]
        problems += lonely(test, edition.contrast)
        infos = _infos(folder, root, problems)
        if problems:
            raise listing(f"crossMoDA {edition.year} data set {folder}", problems)

        def centre(case_id: str, image: Path) -> str:  # noqa: ARG001
            known = infos.get(case_id, {}).get("center", "")
            return known or CENTRES[case_id.split("_")[1]]

        def of(files: Files) -> tuple[Case, ...]:
            return cases(files, edition.contrast, Domain.TARGET, centre, edition.ending)

        return Dataset(
            f"crossmoda{edition.year}",
            edition.labels,
            source=cases(source, "ceT1", Domain.SOURCE),
            target=of(target),
            test=of(test),
            roi=REGION,
            notes=tuple(_notes(source, infos)),
        )


class CrossModa2022Reader(_LaterReader):
    """Opens a folder in crossMoDA 2022's layout.

    A target scan's protocol is its centre, by ``infos_*.csv`` where one names it, else by the
    tag in its name: London (``ldn``) or Tilburg (``etz``).
    """

    edition = Edition(
        2022,
        "training_source",
        "training_target",
        "crossmoda202[12]",
        "ldn|etz",
        "hrT2",
        LABELS,
        "crossmoda2022_etz_N",
        "_Label.nii.gz",
    )


class CrossModa2023Reader(_LaterReader):
    """Opens a folder in crossMoDA 2023's layout.

    A target scan's protocol is its centre: London (``ldn``), Tilburg (``etz``) or UKM (``ukm``).
    Structures are called as in the challenge's own container: 1 the tumour outside the internal
    auditory canal, 2 the tumour within it, 3 the cochleae.
    """

    edition = Edition(
        2023,
        "TrainingSource",
        "TrainingTarget",
        "crossmoda2023",
        "ldn|etz|ukm",
        "T2",
        Labels(("vs-extrameatal", "vs-intrameatal", "cochlea")),
        "crossmoda2023_etz_N",
        ".nii.gz",
    )


def _training(folder: Path, edition: Edition) -> Path | None:
    """Where the two training folders are: here, or in the one folder ``..._training``."""
    for root in (folder, *sorted(folder.glob("*_training"))):
        if (root / edition.source).is_dir() and (root / edition.target).is_dir():
            return root
    return None


def _validation(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*validation") if path.is_dir())


def _name(edition: Edition) -> re.Pattern[str]:
    kinds = f"ceT1|{edition.contrast}|Label"
    return re.compile(rf"({edition.sets}_(?:{edition.tags})_\d+)_({kinds})\.nii\.gz")


def _part(folder: Path, edition: Edition, *kinds: str) -> Part:
    examples = tuple(f"{edition.example}_{kind}.nii.gz" for kind in kinds)
    return Part(folder, _name(edition), examples, kinds)


def _infos(folder: Path, root: Path, problems: list[str]) -> dict[str, dict[str, str]]:
    """Rows of all tables of cases, by the case's name."""
    rows: dict[str, dict[str, str]] = {}
    for path in sorted({*folder.glob("infos_*.csv"), *root.glob("infos_*.csv")}):
        try:
            read = read_rows(path, "crossmoda_name")
            rows |= {row["crossmoda_name"]: row for row in read}
        except DataError as error:
            problems.append(f"{error} Take the challenge's own table, or remove this one.")
    return rows


def _notes(source: Files, infos: dict[str, dict[str, str]]) -> Iterator[str]:
    after = [
        case_id
        for case_id in source
        if (infos.get(case_id, {}).get("koos") or "").startswith(AFTER_SURGERY)
    ]
    if after:
        yield f"source: {len(after)} of {len(source)} scans were made after an operation"
