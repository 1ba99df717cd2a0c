"""Targets of whole data sets: every reader, with the lists and tables that it goes by."""

from __future__ import annotations

from contextlib import suppress

from past_core.checking import part_problems, place_doubts
from past_core.datasets.opening import open_dataset, recognise
from past_core.errors import DataError
from past_core.headers import read_header
from past_core.pipeline.protocols import ProtocolRule, assign_protocols
from tests.core import trees
from tests.fuzz.single_files import registry
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

TINY = {"source": 2, "target": 2, "test": 1, "matrix": 56, "slices": 8}


def crossmoda(folder):
    names = {
        "source": ("source_training", ["crossmoda_1", "crossmoda_2"]),
        "target": ("target_training", ["crossmoda_106", "crossmoda_107"]),
        "test": ("target_validation", ["crossmoda_211"]),
    }
    trees.crossmoda(folder, names, "hrT2")
    (folder / "protocols.json").write_text('{"32": "448", "56": "384"}')


def datalist(folder):
    listed = {}
    for part in ("source", "target", "test"):
        pairs = trees.scans(folder, part, labelled=part == "source")
        trees.move(
            pairs,
            lambda n, part=part: folder / f"{part}/scan_{n}_image.nii.gz",
            lambda n, part=part: folder / f"{part}/scan_{n}_label.nii.gz",
        )
        listed[part] = [
            {"image": f"{part}/scan_{n}_image.nii.gz", "id": f"{part}{n}"}
            | ({"label": f"{part}/scan_{n}_label.nii.gz"} if part == "source" else {})
            for n in range(len(pairs))
        ]
    trees.write_json(
        folder / "dataset.json",
        name="made",
        labels={"background": 0, "ball": 1, "shell": 2},
        **listed,
        validation=[],
        roi={"lower": [0.25, 0.25, 0.0], "upper": [0.75, 0.75, 1.0]},
        translation_roi={"lower": [0.0, 0.0, 0.0], "upper": [1.0, 1.0, 1.0]},
    )


def folders(folder):
    for part in ("source", "target"):
        trees.move(
            trees.scans(folder, part, labelled=part == "source"),
            lambda n, part=part: folder / f"{part}/{n}.nii.gz",
            lambda n: folder / f"labels/{n}.nii.gz",
        )


def opening(name, make, **values):
    """Make it, and open it as often as it is fuzzed."""

    def made(folder):
        folder = folder / "data"
        folder.mkdir()
        make(folder)
        return folder

    def read(folder):
        with suppress(DataError):
            recognise(registry(), folder)
        found = open_dataset(registry(), folder, name, values)
        found = assign_protocols(found, ProtocolRule(by="data"))
        problems = list(part_problems(found.parts()))
        for case in found.cases():
            header = read_header(case.image)
            list(place_doubts([(str(case.image), header.doubt)]))
        assert all(len(problem) < 4000 for problem in problems)

    return made, read


def phantom(folder):
    open_dataset(registry(), folder, "phantom", TINY)


FOLDERS = {"source": "source", "source_labels": "labels", "target": "target"}
LISTS = (".json", ".csv", ".tsv")


def target(name, make, files=LISTS, **values):
    return Target(name, *opening(name, make, **values), files)


TARGETS = (
    target("datalist", datalist, (*LISTS, "_0_image.nii.gz")),
    target("decathlon", trees.decathlon),
    target("nnunet-raw", trees.nnunet_raw),
    target("bids", trees.bids),
    target("crossmoda", crossmoda),
    target("crossmoda2022", trees.crossmoda2022),
    target("crossmoda2023", trees.crossmoda2023, (".nii.gz",)),
    target(
        "folders", folders, (".nii.gz",), source="source", source_labels="labels", target="target"
    ),
    Target("phantom", lambda f: (phantom(f / "p"), f / "p")[1], phantom, (".json",)),
)
