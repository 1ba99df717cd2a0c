"""crossMoDA 2021: vestibular schwannoma and cochlea, from ceT1 to hrT2.

The layout, with N from 1 (source), 106 (target) and 211 (validation) in the original::

    source_training/    crossmoda_N_ceT1.nii.gz   crossmoda_N_Label.nii.gz
    target_training/    crossmoda_N_hrT2.nii.gz
    target_validation/  crossmoda_N_hrT2.nii.gz   crossmoda_N_Label.nii.gz (withheld)

The last is optional: without it, the training targets are segmented. What is beyond it is read
where it exists, and the phantom writes all of it: ``target_oracle/crossmoda_N_Label.nii.gz``,
labels of the training targets for the oracle, ``target_tuning/``, scans and labels to choose
settings by, and ``protocols.json``, names of the protocols by in-plane matrix:
``{"112": "448"}``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from past_core.case import Domain
from past_core.config import PluginConfig
from past_core.dataset import Dataset
from past_core.datasets.crossmoda.layout import Files, Part, cases, lonely, scan, unlabelled
from past_core.errors import DataError
from past_core.files import read_json
from past_core.headers import read_header
from past_core.interfaces.reader import DatasetReader
from past_core.labels import Labels
from past_core.problems import listing
from past_core.roi import ROI

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LABELS", "PAPER_ROI", "CrossModaConfig", "CrossModaReader"]

SOURCE, TARGET, VALIDATION, ORACLE, TUNING = (
    "source_training",
    "target_training",
    "target_validation",
    "target_oracle",
    "target_tuning",
)
PROTOCOLS = "protocols.json"

LABELS = Labels(("vs", "cochlea"))
"""1 vestibular schwannoma, 2 cochlea."""

TRANSLATION_ROI = ROI(lower=(1 / 4, 1 / 4, 0), upper=(3 / 4, 3 / 4, 1))
"""The paper's 2D region [W/4:3W/4, H/4:3H/4], of every slice."""

PAPER_ROI = ROI(lower=(1 / 4, 1 / 4, 0), upper=(3 / 4, 5 / 8, 1))
"""The paper's 3D region [W/4:3W/4, 3H/8:3H/4, 0:D].

Assumption: H counts rows from anterior to posterior, as in the LPS arrays that DICOM
gives. In canonical RAS+ fractions, which count from the posterior side, rows 3/8 to 3/4
are 1 - 3/4 to 1 - 3/8.
"""

_NAME = re.compile(r"(crossmoda_\d+)_(ceT1|hrT2|Label)\.nii\.gz")
_PROTOCOL_NAMES = TypeAdapter(dict[str, str])


class CrossModaConfig(PluginConfig):
    """The layout is fixed: there is nothing to set."""


class CrossModaReader(DatasetReader):
    """Opens a folder in crossMoDA 2021's layout.

    The protocol of an hrT2 scan is its in-plane matrix, "448" or "384" (or another
    name, given by ``protocols.json``); ceT1 scans have none.
    """

    def recognises(self, folder: Path) -> bool:
        """Whether the two training folders are there."""
        return (folder / SOURCE).is_dir() and (folder / TARGET).is_dir()

    def open(self, folder: Path) -> Dataset:
        """List the cases by number.

        Raises
        ------
        DataError
            Naming every missing or unexpected file and every missing or empty folder.
        """
        problems: list[str] = []
        source = scan(_part(folder / SOURCE, "ceT1", "Label"), problems)
        target = scan(_part(folder / TARGET, "hrT2"), problems)
        test: Files = {}
        if (folder / VALIDATION).is_dir():
            test = scan(_part(folder / VALIDATION, "hrT2", "Label"), problems)
        if (folder / ORACLE).is_dir():
            for case_id, files in scan(_part(folder / ORACLE, "Label"), problems).items():
                target.setdefault(case_id, {}).update(files)
        tuning: Files = {}
        if (folder / TUNING).is_dir():
            tuning = scan(_part(folder / TUNING, "hrT2", "Label"), problems)
        problems += [*unlabelled(source, "ceT1"), *unlabelled(tuning, "hrT2")]
        problems += lonely(source, "ceT1")
        for part in (target, test, tuning):
            problems += lonely(part, "hrT2")
        names = _protocol_names(folder / PROTOCOLS, problems)

        def protocol(case_id: str, image: Path) -> str | None:  # noqa: ARG001
            try:
                matrix = _matrix(image)
            except DataError as error:
                problems.append(str(error))
                return None
            return names.get(matrix, matrix)

        dataset = Dataset(
            "crossmoda",
            LABELS,
            source=cases(source, "ceT1", Domain.SOURCE),
            target=cases(target, "hrT2", Domain.TARGET, protocol),
            test=cases(test, "hrT2", Domain.TARGET, protocol),
            validation=cases(tuning, "hrT2", Domain.TARGET, protocol),
            roi=PAPER_ROI,
            translation_roi=TRANSLATION_ROI,
        )
        if problems:
            raise listing(f"crossMoDA data set {folder}", problems)
        return dataset


def _part(folder: Path, *kinds: str) -> Part:
    return Part(folder, _NAME, tuple(f"crossmoda_N_{kind}.nii.gz" for kind in kinds), kinds)


def _matrix(path: Path) -> str:
    """In-plane matrix: "448", or "448x400" where the sides differ."""
    columns, rows = read_header(path).shape[:2]
    return str(columns) if columns == rows else f"{columns}x{rows}"


def _protocol_names(path: Path, problems: list[str]) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return _PROTOCOL_NAMES.validate_python(read_json(path, "Correct it."))
    except (DataError, ValidationError) as error:
        problems.append(
            f"{path}: not an object of matrix and protocol name such as "
            f'{{"112": "448"}} ({error}). Correct it, or remove it.'
        )
        return {}
