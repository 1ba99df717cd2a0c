"""The data check: every file is read once, and an inventory is left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from past_core.case import Case, Domain
from past_core.checking import case_problems, part_problems, refuse
from past_core.files import file_hash, write_json
from past_core.headers import read_header
from past_core.labels import Labels
from past_core.pipeline.layout import INVENTORY
from past_core.pipeline.work.workspace import Work

__all__ = ["check"]


def check(params: Mapping[str, Any], work: Work) -> None:
    """Read every file that is new or has changed, and report all problems at once.

    The inventory has every file's size, time and SHA-256, and every case's shape, spacing
    and protocol.

    Parameters
    ----------
    params
        ``name`` and ``labels`` of the data set, and ``cases``: of each its ``part``, ``id``,
        ``protocol``, and of ``image`` and ``label`` the path, size and time.

    Raises
    ------
    DataError
        One line a problem, each naming the file, the value and the remedy.
    """
    labels = Labels(tuple(params["labels"]))
    problems = [*part_problems(_parts(params))]
    known = work.incidental["known"]
    sound = {tuple(pair) for pair in known.get("sound", ())}
    if known.get("labels") != params["labels"]:
        sound = set()
    files: dict[str, Any] = {}
    cases = []
    for done, entry in enumerate(params["cases"], start=1):
        case = _case(entry)
        given = [stamp for stamp in (entry["image"], entry["label"]) if stamp is not None]
        pair = (str(case.image), "" if case.label is None else str(case.label))
        if pair not in sound or not all(_unchanged(stamp, known) for stamp in given):
            problems += case_problems(case, labels)
        for path, size, time in given:
            if path not in files and Path(path).is_file():
                same = _unchanged([path, size, time], known)
                content = known["files"][path]["sha256"] if same else file_hash(Path(path))
                files[path] = {"size": size, "time": time, "sha256": content}
        cases.append((entry, pair))
        work.progress(done, len(params["cases"]), case.id)
    refuse(params["name"], problems)
    write_json(
        work.folder / INVENTORY,
        {
            "labels": params["labels"],
            "files": files,
            "sound": [pair for _, pair in cases],
            "cases": [_described(entry) for entry, _ in cases],
        },
    )


def _described(entry: Mapping[str, Any]) -> dict[str, Any]:
    header = read_header(Path(entry["image"][0]))
    return {
        "part": entry["part"],
        "id": entry["id"],
        "protocol": entry["protocol"],
        "image": entry["image"][0],
        "label": None if entry["label"] is None else entry["label"][0],
        "shape": header.shape,
        "spacing": header.spacing,
    }


def _unchanged(stamp: list[Any], known: Mapping[str, Any]) -> bool:
    """Whether an earlier check read this file, to judge by its size and time."""
    path, size, time = stamp
    before = known.get("files", {}).get(path)
    return before is not None and (before["size"], before["time"]) == (size, time)


def _parts(params: Mapping[str, Any]) -> dict[str, list[Case]]:
    """Cases by the name of their part."""
    parts: dict[str, list[Case]] = {"source": [], "target": [], "test": [], "validation": []}
    for entry in params["cases"]:
        parts[entry["part"]].append(_case(entry))
    return parts


def _case(entry: Mapping[str, Any]) -> Case:
    return Case(
        entry["id"],
        Domain.SOURCE if entry["part"] == "source" else Domain.TARGET,
        Path(entry["image"][0]),
        None if entry["label"] is None else Path(entry["label"][0]),
        entry["protocol"],
    )
