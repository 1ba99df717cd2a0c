"""Write a system of a run into one folder or zip file that needs nothing else of the run."""

from __future__ import annotations

import hashlib
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from past_core.errors import DataError
from past_core.exported.archive import CARD, pack
from past_core.exported.card import model_card
from past_core.exported.description import DESCRIPTION, Description, File, Volumes, parse
from past_core.exported.of_run import describe
from past_core.files import file_hash, write_json
from past_core.labels import Labels
from past_core.pipeline.layout import STAGES, label_path
from past_core.pipeline.manifest import read_manifest
from past_core.pipeline.opened import Run, open_run
from past_core.pipeline.outputs import changed
from past_core.scoring import MEAN
from past_core.sizes import structure_volumes
from past_core.volume import load_volume

__all__ = ["export_system"]


def export_system(run: Path, out: Path, *, system: str | None = None, zipped: bool = False) -> Path:
    """Copy a system's models and all that applying them takes.

    Parameters
    ----------
    run
        The run folder.
    out
        The folder to write; with ``zipped``, the file (``.zip`` is appended if it is not there).
        It must not exist.
    system
        By default the one that the run says to take.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    DataError
        If ``out`` exists, or the system is not there or not finished.
    """
    if zipped and out.suffix != ".zip":
        out = out.with_name(f"{out.name}.zip")
    if out.exists():
        raise DataError(f"{out}: is there already. Remove it, or choose another name.")
    opened = open_run(run)
    description, folders = describe(opened, system)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _write(description, folders, opened, partial)
        if zipped:
            pack(partial, out)
        else:
            partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def _write(description: Description, folders: dict[str, Path], run: Run, target: Path) -> None:
    target.mkdir()
    content = description.model_dump(mode="json")
    for name, folder in folders.items():
        _require_unchanged(folder)
        (target / name).mkdir()
        files = {}
        for file in sorted(folder.iterdir()):
            if not file.is_file():
                raise DataError(f"{file}: not a plain file; exported systems have no folders.")
            shutil.copyfile(file, target / name / file.name)
            files[file.name] = File(sha256=file_hash(file), size=file.stat().st_size)
        content["members"][name]["files"] = {k: v.model_dump() for k, v in files.items()}
    volumes = _volumes(run, Labels(description.structures))
    content["volumes"] = {name: one.model_dump() for name, one in volumes.items()}
    content["provenance"] = _provenance(run, description)
    written = parse(content, str(target / DESCRIPTION))
    write_json(target / DESCRIPTION, content)
    (target / CARD).write_text(model_card(written), encoding="utf-8")


def _require_unchanged(model: Path) -> None:
    """What is exported must be what was trained, to the last bit."""
    stage = model.parent
    left = read_manifest(stage).get("files", {})
    own = {name: one for name, one in left.items() if name.startswith(f"{model.name}/")}
    if damaged := changed(stage, own, read=True):
        raise DataError(
            f"{stage / damaged[0]}: lost or changed since it was trained. The command that made "
            "the run makes it again."
        )


def _volumes(run: Run, labels: Labels) -> dict[str, Volumes]:
    """Of each structure how large it is in the source's labels, within the region of interest."""
    stage = run.folder / STAGES / run.record["scans"].get("source", "")
    found: dict[str, list[float]] = {name: [] for name in labels.structures}
    for case in run.record["cases"]["source"]:
        path = label_path(stage, case)
        if not path.is_file():
            continue
        label = load_volume(path, np.uint8)
        for name, size in structure_volumes(label.data, label.spacing, labels).items():
            if size:
                found[name].append(size / 1000)
    return {
        name: Volumes(
            low=min(values),
            median=float(np.median(values)),
            high=max(values),
            scans=len(values),
        )
        for name, values in found.items()
        if values
    }


def _provenance(run: Run, description: Description) -> dict[str, Any]:
    """What people ask of a model's origin; neither paths nor names of scans."""
    record = run.record
    entry = next(one for one in record["systems"] if one["name"] == description.system)
    hashes = sorted(file["sha256"] for file in run.inventory.get("files", {}).values())
    taken = description.chosen or description.system
    choice = run.choices().get(description.system)
    fits = [read_manifest(run.folder / STAGES / name) for name in record["stages"]]
    versions = [m["versions"] for m in fits if m.get("function", "").endswith("segment:fit")]
    return {
        "dataset": record["dataset"]["name"],
        "scans": {part: len(ids) for part, ids in record["cases"].items()},
        "inventory_sha256": hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
        "seed": record["seed"],
        "versions": versions[-1] if versions else {},
        "sees_target_labels": entry["supervised"],
        "chosen_by": {}
        if choice is None
        else {name: means[taken] for name, means in choice["means"].items()},
        "scores": [
            {
                "part": part,
                "structure": one.structure,
                "metric": one.metric,
                "mean": _known(one.mean),
                "sd": _known(one.sd),
                "scans": one.n,
            }
            for part in ("validation", "test")
            for one in run.summaries(part)
            if one.system == description.system and one.structure != MEAN
        ],
    }


def _known(value: float) -> float | None:
    """JSON has no word for an undefined number."""
    return None if math.isnan(value) else value
