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

import json
import re
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from past_core.case import Case, Domain
from past_core.config import PluginConfig
from past_core.dataset import Dataset
from past_core.datasets.problems import listing
from past_core.errors import DataError
from past_core.interfaces.reader import DatasetReader
from past_core.labels import Labels
from past_core.roi import ROI
from past_core.volume import read_header

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
        source = _scan(folder / SOURCE, ("ceT1", "Label"), problems)
        target = _scan(folder / TARGET, ("hrT2",), problems)
        validation: Files = {}
        if (folder / VALIDATION).is_dir():
            validation = _scan(folder / VALIDATION, ("hrT2", "Label"), problems)
        if (folder / ORACLE).is_dir():
            for case_id, files in _scan(folder / ORACLE, ("Label",), problems).items():
                target.setdefault(case_id, {}).update(files)
        tuning: Files = {}
        if (folder / TUNING).is_dir():
            tuning = _scan(folder / TUNING, ("hrT2", "Label"), problems)
        _report_unlabelled(source, "ceT1", problems)
        _report_unlabelled(tuning, "hrT2", problems)
        for part, contrast in (
            (source, "ceT1"),
            (target, "hrT2"),
            (validation, "hrT2"),
            (tuning, "hrT2"),
        ):
            _report_lonely_labels(part, contrast, problems)
        names = _protocol_names(folder / PROTOCOLS, problems)
        dataset = Dataset(
            "crossmoda",
            LABELS,
            source=_cases(source, "ceT1", Domain.SOURCE, None, problems),
            target=_cases(target, "hrT2", Domain.TARGET, names, problems),
            test=_cases(validation, "hrT2", Domain.TARGET, names, problems),
            validation=_cases(tuning, "hrT2", Domain.TARGET, names, problems),
            roi=PAPER_ROI,
        )
        if problems:
            raise listing(f"crossMoDA data set {folder}", problems)
        return dataset


Files = dict[str, dict[str, "Path"]]
"""Case id to contrast (or "Label") to file."""


def _scan(folder: Path, kinds: tuple[str, ...], problems: list[str]) -> Files:
    """Files of one folder in the order of their numbers; hidden files are passed over."""
    expected = " and ".join(f"crossmoda_N_{kind}.nii.gz" for kind in kinds)
    if not folder.is_dir():
        problems.append(f"{folder}: no such folder. Create it, with files {expected}.")
        return {}
    files: Files = {}
    for path in folder.glob("[!.]*.nii.gz"):
        match = _NAME.fullmatch(path.name)
        if match is None or match[2] not in kinds:
            problems.append(
                f"{path}: unexpected file; this folder holds {expected}. Rename or remove it."
            )
            continue
        files.setdefault(match[1], {})[match[2]] = path
    if not files:
        problems.append(f"{folder}: the folder is empty. Put files {expected} into it.")
    return dict(sorted(files.items(), key=lambda item: int(item[0].split("_")[1])))


def _report_unlabelled(files: Files, contrast: str, problems: list[str]) -> None:
    for case_id, found in files.items():
        if "Label" not in found:
            problems.append(
                f"{found[contrast]}: no label beside it; expected {case_id}_Label.nii.gz. "
                "Add the label, or remove the image."
            )


def _report_lonely_labels(files: Files, contrast: str, problems: list[str]) -> None:
    for case_id, found in files.items():
        if contrast not in found:
            problems.append(
                f"{found['Label']}: a label without an image; expected "
                f"{case_id}_{contrast}.nii.gz. Add the image, or remove the label."
            )


def _cases(
    files: Files,
    contrast: str,
    domain: Domain,
    protocols: dict[str, str] | None,
    problems: list[str],
) -> tuple[Case, ...]:
    cases = []
    for case_id, found in files.items():
        if contrast not in found:
            continue
        protocol = None
        if protocols is not None:
            try:
                matrix = _matrix(found[contrast])
            except DataError as error:
                problems.append(str(error))
                continue
            protocol = protocols.get(matrix, matrix)
        cases.append(
            Case(
                case_id,
                domain,
                found[contrast],
                found.get("Label"),
                protocol,
                segmentation=f"{case_id}_Label.nii.gz",
            )
        )
    return tuple(cases)


def _matrix(path: Path) -> str:
    """In-plane matrix: "448", or "448x400" where the sides differ."""
    columns, rows = read_header(path).shape[:2]
    return str(columns) if columns == rows else f"{columns}x{rows}"


def _protocol_names(path: Path, problems: list[str]) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return _PROTOCOL_NAMES.validate_python(json.loads(path.read_text("utf-8")))
    except (ValueError, ValidationError) as error:
        problems.append(
            f"{path}: not an object of matrix and protocol name such as "
            f'{{"112": "448"}} ({error}). Correct it, or remove it.'
        )
        return {}
