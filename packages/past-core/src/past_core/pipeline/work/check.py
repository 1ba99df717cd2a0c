"""The data check: every file is read once, and an inventory is left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from past_core.case import Case, Domain
from past_core.checking import Checked, check_case, part_problems, structure_problems
from past_core.files import file_hash, write_json
from past_core.headers import read_header
from past_core.labels import Labels
from past_core.pipeline.layout import INVENTORY
from past_core.pipeline.work.workspace import Work
from past_core.problems import refuse
from past_core.roi import ROI
from past_core.twins import Twin, twin_problems

__all__ = ["check"]


def check(params: Mapping[str, Any], work: Work) -> None:
    """Read every file that is new or has changed, and report all problems at once.

    The inventory has every file's size, time and SHA-256, and every case's shape, spacing
    and protocol; paths are relative to the data set's folder.

    Parameters
    ----------
    params
        ``name``, ``folder`` and ``labels`` of the data set, ``roi`` (six fractions), and ``cases``:
        of each its ``part``, ``id``, ``protocol``, and of ``image`` and ``label`` the path, size
        and time.

    Raises
    ------
    DataError
        One line a problem, each naming the file, the value and the remedy.
    """
    labels, roi = Labels(tuple(params["labels"])), ROI.of(params["roi"])
    problems = [*part_problems(_parts(params))]
    data, known = Path(params["folder"]), work.incidental["known"]
    if known.get("folder") != params["folder"]:
        known = {}  # files of one name, size and time in another place may be other files
    sound: dict[tuple[str, str], Checked] = {}
    if [known.get("labels"), known.get("roi")] == [params["labels"], params["roi"]]:
        sound = {
            (one["image"], one["label"]): Checked((), tuple(one["structures"]), tuple(one["kept"]))
            for one in known["sound"]
        }
    files: dict[str, Any] = {}
    found: dict[tuple[str, str], Checked] = {}
    source = []
    for done, entry in enumerate(params["cases"], start=1):
        case = _case(entry, data)
        given = [stamp for stamp in (entry["image"], entry["label"]) if stamp is not None]
        pair = (given[0][0], "" if case.label is None else given[1][0])
        same = pair in sound and all(_unchanged(stamp, known) for stamp in given)
        found[pair] = sound[pair] if same else check_case(case, labels, roi)
        problems += found[pair].problems
        source += [found[pair]] if entry["part"] == "source" else []
        for path, size, time in given:
            if path not in files and (data / path).is_file():
                same = _unchanged([path, size, time], known)
                content = known["files"][path]["sha256"] if same else file_hash(data / path)
                files[path] = {"size": size, "time": time, "sha256": content}
        work.progress(done, len(params["cases"]), case.id)
    problems += structure_problems(source, labels)
    problems += twin_problems(_twins(params, files))
    refuse(f"data set {params['name']}", problems)
    write_json(
        work.folder / INVENTORY,
        {
            "folder": params["folder"],
            "labels": params["labels"],
            "roi": params["roi"],
            "files": files,
            "sound": [
                {"image": image, "label": label, "structures": one.structures, "kept": one.kept}
                for (image, label), one in found.items()
            ],
            "cases": [_described(entry, data) for entry in params["cases"]],
        },
    )


def _twins(params: Mapping[str, Any], files: Mapping[str, Any]) -> list[Twin]:
    """What tells each case's image from the others'; of a file that cannot be read, nothing."""
    data = Path(params["folder"])
    return [
        (case["part"], case["id"], str(data / path), files.get(path, {}).get("sha256", ""))
        for case in params["cases"]
        for path in (case["image"][0],)
    ]


def _described(entry: Mapping[str, Any], data: Path) -> dict[str, Any]:
    header = read_header(data / entry["image"][0])
    return {
        "part": entry["part"],
        "id": entry["id"],
        "protocol": entry["protocol"],
        "image": entry["image"][0],
        "label": None if entry["label"] is None else entry["label"][0],
        "shape": header.shape,
        "canonical": header.canonical_shape,
        "spacing": header.spacing,
        "doubt": header.doubt,
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
        parts[entry["part"]].append(_case(entry, Path(params["folder"])))
    return parts


def _case(entry: Mapping[str, Any], data: Path) -> Case:
    return Case(
        entry["id"],
        Domain.SOURCE if entry["part"] == "source" else Domain.TARGET,
        data / entry["image"][0],
        None if entry["label"] is None else data / entry["label"][0],
        entry["protocol"],
    )
