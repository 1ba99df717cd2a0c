"""Segment many files with one system; done ones are kept, unreadable ones are reported."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel

from past_core.errors import DataError
from past_core.exported.description import Volumes
from past_core.exported.system import LoadedSystem
from past_core.files import file_hash, write_json
from past_core.naming import SUFFIXES, nifti_files
from past_core.pipeline.recorded import read_recorded
from past_core.probabilities import (
    Precision,
    probability_name,
    save_probabilities,
    without_probabilities,
)

__all__ = ["RECORD", "Predicted", "find_scans", "predict_files"]

RECORD = "predicted.json"
"""Beside segmentations: what each was made of."""
ANEW = "Delete it and the segmentations beside it, or name another folder for the results."


@dataclass(frozen=True)
class Predicted:
    """One scan, and what became of it."""

    name: str
    """Of its segmentation's file."""
    protocol: str = ""
    """Whose models answered."""
    seconds: float = 0.0
    millilitres: dict[str, float] | None = None
    """By structure; None if it failed."""
    notes: tuple[str, ...] = ()
    """What should make one look at it: volumes that no source scan has."""
    kept: bool = False
    """Whether it was done before."""
    problem: str = ""
    """Why it failed."""


def find_scans(inputs: Sequence[Path], output: Path) -> list[tuple[Path, Path]]:
    """Scans, and the files that their segmentations are written to.

    Parameters
    ----------
    inputs
        Files, or folders of files (not what lies below them).
    output
        A folder; of one input file also the file to write.

    Raises
    ------
    DataError
        If something is missing, is no NIfTI by its name, two scans have one name, or a scan would
        be overwritten.
    """
    scans: list[Path] = []
    for path in inputs:
        if path.is_dir():
            found = without_probabilities(nifti_files(path))
            if not found:
                raise DataError(f"{path}: no .nii or .nii.gz file is in it.")
            scans += found
        elif not path.is_file():
            raise DataError(f"{path}: no such file or folder. Check the path.")
        elif not path.name.endswith(SUFFIXES):
            raise DataError(f"{path}: PAST reads .nii and .nii.gz. Convert it to NIfTI.")
        else:
            scans.append(path)
    if len(scans) == 1 and output.name.endswith(SUFFIXES) and not output.is_dir():
        pairs = [(scans[0], output)]
    else:
        pairs = [(scan, output / scan.name) for scan in scans]
    _require_apart(pairs)
    return pairs


def predict_files(
    system: LoadedSystem,
    pairs: Sequence[tuple[Path, Path]],
    *,
    protocol: str | None = None,
    probabilities: Precision | None = None,
    told: Callable[[Predicted], None],
) -> None:
    """Segment scans one after the other, and say of each what became of it.

    What ``predicted.json`` beside a segmentation says was made of the same scan by the same
    system is kept.

    Parameters
    ----------
    system
        What to apply.
    pairs
        Scans and files to write, as ``find_scans`` gives them.
    protocol
        Of all scans; by default the system's rule tells each scan's.
    probabilities
        Also write them, on the scans' own grids; see ``past_core.probabilities``.
    told
        Called once a scan.

    Raises
    ------
    DataError
        If a file to write is there and was not written by this function.
    """
    if protocol is not None:
        system.require_protocol(protocol)
    identity = {
        "system_sha256": system.description.sha256,
        "protocol": protocol,
        "probabilities": probabilities,
    }
    records = {folder: _Record(folder) for folder in {path.parent for _, path in pairs}}
    for _, path in pairs:
        records[path.parent].require_own(path)
    for scan, path in pairs:
        told(_predict(system, scan, path, records[path.parent], identity))


def _predict(
    system: LoadedSystem, scan: Path, path: Path, record: _Record, identity: dict[str, Any]
) -> Predicted:
    begin = time.perf_counter()
    try:
        made_of = {"scan_sha256": file_hash(scan), **identity}
        if (known := record.kept(path, made_of)) is not None:
            return known
        found = system.segment(scan, identity["protocol"])
        precision: Precision | None = identity["probabilities"]
        if precision is not None:
            beside = path.with_name(probability_name(path.name, precision))
            save_probabilities(found.probabilities(), beside, precision)
        found.save(path)
    except (DataError, OSError, MemoryError) as error:
        said = str(error)
        return Predicted(path.name, problem=said if str(scan) in said else f"{scan}: {said}")
    sizes = found.millilitres()
    done = Predicted(
        path.name,
        " + ".join(found.protocols),
        time.perf_counter() - begin,
        sizes,
        tuple(_unusual(sizes, system.description.volumes)),
    )
    record.add(path, made_of, done)
    return done


def _unusual(sizes: dict[str, float], known: dict[str, Volumes]) -> list[str]:
    """Structures that are missing, or half as small or twice as large as any source label."""
    notes = []
    for name, size in sizes.items():
        if name not in known:
            continue
        limits = known[name]
        if size == 0:
            notes.append(f"no {name}")
        elif not limits.low / 2 <= size <= limits.high * 2:
            notes.append(
                f"{name} of {size:.3g} ml (source: {limits.low:.3g} to {limits.high:.3g} ml)"
            )
    return notes


class _Done(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    protocol: str
    seconds: float
    millilitres: dict[str, float] | None
    notes: list[str]
    kept: bool
    problem: str


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    made_of: dict[str, Any]
    done: _Done


class _RecordFile(RootModel[dict[str, _Entry]]):
    """``predicted.json``, by name of segmentation."""


class _Record:
    """What was written into one folder, and what it was made of."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORD
        self.entries: dict[str, Any] = (
            read_recorded(self.path, _RecordFile, ANEW) if self.path.exists() else {}
        )

    def require_own(self, path: Path) -> None:
        if path.exists() and path.name not in self.entries:
            raise DataError(
                f"{path}: is there already, and past-cli predict has not written it. Choose "
                "another folder."
            )

    def kept(self, path: Path, made_of: dict[str, Any]) -> Predicted | None:
        entry = self.entries.get(path.name)
        if entry is None or entry["made_of"] != made_of or not path.is_file():
            return None
        said = entry["done"]
        return Predicted(**{**said, "notes": tuple(said["notes"]), "kept": True})

    def add(self, path: Path, made_of: dict[str, Any], done: Predicted) -> None:
        self.entries[path.name] = {"made_of": made_of, "done": asdict(done)}
        write_json(self.path, self.entries)


def _require_apart(pairs: Sequence[tuple[Path, Path]]) -> None:
    taken: dict[Path, Path] = {}
    scans = {scan.resolve() for scan, _ in pairs}
    for scan, path in pairs:
        if path.resolve() in scans:
            raise DataError(f"{path}: would be overwritten. Name another folder for the results.")
        if path in taken:
            raise DataError(
                f"{scan} and {taken[path]} have one name. Segment them into two folders."
            )
        taken[path] = scan
