"""Data sets that are incomplete, contradict themselves, or are none."""

from __future__ import annotations

import json
import os
import shutil

from past_core.volume import load_volume, save_volume
from tests.answers.place import Place, wrong

LIST = "dataset.json"


def file_of(name: str, content: bytes, *says: str) -> None:
    """Enter a case of a list with this content."""

    def spoil(place: Place):
        (place.data / LIST).write_bytes(content)
        return place.pipeline()

    wrong("lists", name, *says)(spoil)


TEXT = '{"labels": {"background": 0, "bright": 1}, "source": [], "target": []}'
file_of("is empty", b"", "dataset.json", "empty")
file_of("is a list", b'["source", "target"]', LIST)
file_of("is null", b"null", LIST)
file_of("is no JSON", b'{"source": [,]}', LIST, "not valid JSON")
file_of("is binary", bytes(range(256)), LIST)
file_of("is UTF-16", TEXT.encode("utf-16"), LIST, "UTF-8")
file_of("begins with a byte order mark", b"\xef\xbb\xbf" + TEXT.encode(), "source: 0 case(s)")
file_of("has 200 000 levels", b'{"source": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", LIST)
file_of("has numbers without end", b'{"source": ' + b"9" * 10_000 + b"}", LIST)


@wrong("lists", "is a folder", "dataset.json: is no file")
def _(place: Place):
    (place.data / LIST).unlink()
    (place.data / LIST).mkdir()
    return place.pipeline()


@wrong("lists", "is missing", "no installed reader recognises")
def _(place: Place):
    (place.data / LIST).unlink()
    return place.pipeline()


def listed(name: str, *says: str, group: str = "lists", code: int = 1, **changes: object) -> None:
    """Enter a case of a list with these entries."""

    def spoil(place: Place):
        place.listed(**changes)
        return place.pipeline()

    wrong(group, name, *says, code=code)(spoil)


SOURCE = [{"image": f"source{n}_image.nii.gz", "label": f"source{n}_label.nii.gz"} for n in (0, 1)]
TARGET = [f"target{n}_image.nii.gz" for n in (0, 1)]

listed("an unknown key", "sources: unknown key", "Known keys", sources=[])
listed("a part is a word", "source", source="all")
listed("an entry is a number", "source.0", source=[1, 2])
listed("an entry has an unknown key", "source.0.lable: unknown key",
       source=[{"image": "source0_image.nii.gz", "lable": "x.nii.gz"}, SOURCE[1]])  # fmt: skip
listed("a source scan without label", "source0_image.nii.gz has no label",
       source=["source0_image.nii.gz", SOURCE[1]])  # fmt: skip
listed("one source scan", "source: 1 case(s)", source=SOURCE[:1])
listed("no source scan", "source: 0 case(s)", source=[])
listed("one target scan", "target: 1 case(s)", target=TARGET[:1])
listed("a file that is missing", "gone.nii.gz: no such file", target=[*TARGET, "gone.nii.gz"])
listed("200 000 files that are missing", "200000 problems", "and 199990 more",
       target=[f"gone{n}.nii.gz" for n in range(200_000)])  # fmt: skip
listed("an absolute path", "/etc/scan.nii.gz", "leads out of", target=[*TARGET, "/etc/scan.nii.gz"])
listed("a path with ..", "../scan.nii.gz", "leads out of",
       target=[*TARGET, "../scan.nii.gz"])  # fmt: skip
listed("one scan twice", "2 cases are named source0", source=[SOURCE[0], SOURCE[0]])
listed("one scan under two ids", "source0_image.nii.gz", "Keep one of them",
       source=[*SOURCE, SOURCE[0] | {"id": "other"}])  # fmt: skip
listed("one scan in both contrasts", "source0_image.nii.gz", "Keep one of them",
       target=[*TARGET, {"image": "source0_image.nii.gz", "id": "other"}])  # fmt: skip
listed("a path that is empty", "target", target=[*TARGET, ""])
listed("a path with a zero byte", "target", target=[*TARGET, "a\0b.nii.gz"])


@wrong("lists", "one file copied under another name", "source0_image.nii.gz", "Keep one of them")
def _(place: Place):
    shutil.copy(place.image, place.data / "again.nii.gz")
    place.listed(source=[*SOURCE, SOURCE[0] | {"image": "again.nii.gz"}])
    return place.pipeline()


@wrong(
    "lists",
    "a scan to test on is a copy of a source scan",
    "source0_image.nii.gz",
    "Keep one of them",
)
def _(place: Place):
    shutil.copy(place.image, place.data / "again.nii.gz")
    place.listed(test=["again.nii.gz"])
    return place.pipeline()


for _name, _labels, _says in (
    ("no structure", {"background": 0}, "no structure besides background"),
    ("no background", {"bright": 1}, "label values must be background 0"),
    ("values with a gap", {"background": 0, "bright": 1, "x": 3}, "without gaps"),
    ("a value twice", {"background": 0, "bright": 1, "x": 1}, "without gaps"),
    ("a value that is no number", {"background": 0, "bright": "one"}, "labels.bright"),
    ("a structure named ignore", {"background": 0, "bright": 1, "ignore": 2}, "'ignore' is taken"),
    ("a structure without name", {"background": 0, "bright": 1, " ": 2}, "is empty"),
    ("300 of them", {"background": 0} | {f"s{n}": n for n in range(1, 301)}, "300 structures"),
    ("one that no label holds", {"background": 0, "bright": 1, "dark": 2}, "no label holds dark"),
    ("a name of two lines", {"background": 0, "bright\nest": 1}, "structure"),
    ("a name of 5000 characters", {"background": 0, "x" * 5000: 1}, "structure"),
    ("a list of names", ["background", "bright"], "labels"),
):  # fmt: skip
    listed(_name, _says, group="structures", labels=_labels)


def region(name: str, lower: object, upper: object, *says: str) -> None:
    """Enter a case of a region of interest."""
    listed(name, *says, group="regions", roi={"lower": lower, "upper": upper})


region("leaves out every label", [0.7, 0.7, 0.7], [1, 1, 1], "leaves out all of bright")
region("of one voxel", [0.3, 0.3, 0.5], [0.35, 0.35, 0.6], "too few along one axis")
region("of no voxel", [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], LIST, "0.5")
region("ends before it begins", [0.9, 0, 0], [0.2, 1, 1], LIST, "0.9")
region("larger than the scan", [0, 0, 0], [2, 1, 1], LIST, "2")
region("not a number", [float("nan"), 0, 0], [1, 1, 1], LIST)
region("of two numbers", [0, 0], [1, 1], "roi.lower")
region("of words", ["a", 0, 0], [1, 1, 1], "roi.lower.0")
listed("larger than that of the translator", LIST, group="regions",
       roi={"lower": [0, 0, 0], "upper": [1, 1, 1]},
       translation_roi={"lower": [0.2, 0, 0], "upper": [1, 1, 1]})  # fmt: skip


def named(name: str, case: object, *says: str, code: int = 1) -> None:
    """Enter a case of an id."""
    listed(name, *says, group="names", code=code,
           target=[TARGET[0], {"image": TARGET[1], "id": case}])  # fmt: skip


named("an id that leads elsewhere", "../../evil", "'../../evil'", "id")
named("an id with a slash", "a/b", "'a/b'", "id")
named("an id of two lines", "a\nb", "id")
named("an id of blanks", "  ", "id")
named("an id that hides its files", ".hidden", "'.hidden'", "id")
named("an id of 300 characters", "x" * 300, "id")
named("an id with a zero byte", "a\0b", "id")
named("an id as a copy's", "source0_copy1", "'source0_copy1'", "_copy1")


def called(name: str, file: bytes, *says: str, code: int = 0) -> None:
    """Enter a case of a file's name, in a plain folder."""

    def spoil(place: Place):
        folders = {part: place.folder / part for part in ("scans", "labels", "others")}
        for folder in folders.values():
            folder.mkdir()
        for n in (0, 1):
            shutil.copy(place.data / f"source{n}_image.nii.gz", folders["scans"] / f"s{n}.nii.gz")
            shutil.copy(place.data / f"source{n}_label.nii.gz", folders["labels"] / f"s{n}.nii.gz")
        for one, n in ((b"t0.nii.gz", 0), (file, 1)):
            target = os.path.join(os.fsencode(folders["others"]), one)  # noqa: PTH118
            shutil.copy(os.fsencode(place.data / f"target{n}_image.nii.gz"), target)
        return [
            *("pipeline", "--source", "scans", "--source-labels", "labels", "--target", "others"),
            *("--out", "run", "--jobs", "1", "--translator", "match", "--segmenter", "bayes"),
            *("--strategy", "keep", "--metric", "iou", "--rounds", "1"),
        ]

    wrong("names", name, *says, code=code)(spoil)


called("a file's name of bytes that are no text", b"t\xff\xfe1.nii.gz")
called("a file's name of two lines", b"t\n1.nii.gz")
called("a file's name with a tab, quotes and a comma", b"t\t1,\"'.nii.gz")
called("a file's name with markup of the tables", b"[red]t[int].nii.gz")
called("a file's name that begins as an option", b"--out.nii.gz")
called("a file's name that formulas of spreadsheets begin with", b"=1+1.nii.gz")
called("a file's name of 250 bytes", b"t" * 243 + b".nii.gz", "name", code=1)
called("a file's name of Hebrew letters", "מוח.nii.gz".encode())


@wrong("names", "nothing before _image.nii.gz", code=0)
def _(place: Place):
    (place.data / TARGET[1]).rename(place.data / "_image.nii.gz")
    place.listed(target=[TARGET[0], "_image.nii.gz"])
    return place.pipeline("--rounds", "0")


@wrong("names", "a protocol that leads elsewhere", code=0)
def _(place: Place):
    place.listed(target=[{"image": name, "protocol": "../x"} for name in TARGET])
    return place.pipeline("--rounds", "0")


@wrong("folders", "that is not there", "no such folder", "nowhere")
def _(place: Place):
    return ["pipeline", "--data", "nowhere", "--out", "run"]


@wrong("folders", "that is a file", "is a file", code=2)
def _(place: Place):
    return ["pipeline", "--data", place.image, "--out", "run"]


@wrong("folders", "that is empty", "no installed reader recognises")
def _(place: Place):
    (place.folder / "empty").mkdir()
    return ["pipeline", "--data", "empty", "--out", "run"]


@wrong("folders", "that is a part of a data set", "Name the folder around it")
def _(place: Place):
    (place.data / "part").mkdir()
    return ["pipeline", "--data", place.data / "part", "--out", "run"]


@wrong("folders", "and plain folders at once", "--data", "plain folders", code=2)
def _(place: Place):
    return [*place.pipeline(), "--source", place.data]


@wrong("folders", "of target scans is not named", "--target", "missing")
def _(place: Place):
    return ["check", "--source", place.data, "--source-labels", place.data]


@wrong("folders", "of both contrasts is one", "cannot be --source and --target")
def _(place: Place):
    data = place.data
    return ["check", "--source", data, "--source-labels", data, "--target", data]


@wrong("folders", "labels that fit no scan", "a label without an image")
def _(place: Place):
    for folder in ("s", "l", "t"):
        (place.folder / folder).mkdir()
    for n in (0, 1):
        shutil.copy(place.image, place.folder / f"s/scan{n}.nii.gz")
        shutil.copy(place.label, place.folder / f"l/other{n}x.nii.gz")
        shutil.copy(place.data / f"target{n}_image.nii.gz", place.folder / "t")
    return ["check", "--source", "s", "--source-labels", "l", "--target", "t"]


@wrong("folders", "a scan of several channels", "has 2 channels")
def _(place: Place):
    for folder in ("s", "l", "t"):
        (place.folder / folder).mkdir()
    for n in (0, 1):
        shutil.copy(place.image, place.folder / f"s/scan_000{n}.nii.gz")
        shutil.copy(place.data / f"target{n}_image.nii.gz", place.folder / "t")
    shutil.copy(place.label, place.folder / "l/scan.nii.gz")
    return ["check", "--source", "s", "--source-labels", "l", "--target", "t"]


@wrong("folders", "of DICOM files", "no .nii or .nii.gz file")
def _(place: Place):
    for folder in ("s", "l", "t"):
        (place.folder / folder).mkdir()
        (place.folder / folder / "IM0001").write_bytes(bytes(128) + b"DICM")
    return ["check", "--source", "s", "--source-labels", "l", "--target", "t"]


@wrong("folders", "crossMoDA 2021, but half of it", "target_training")
def _(place: Place):
    (place.folder / "cm/source_training").mkdir(parents=True)
    return ["check", "--data", "cm", "--dataset", "crossmoda"]


@wrong("folders", "nnU-Net's own data set alone", "--set dataset.source=NAME")
def _(place: Place):
    place.listed(channel_names={"0": "T1"}, numTraining=2, file_ending=".nii.gz")
    return ["check", "--data", place.data, "--dataset", "nnunet-raw"]


@wrong("folders", "a phantom's with another phantom's record", "phantom.json")
def _(place: Place):
    (place.folder / "run/data").mkdir(parents=True)
    (place.folder / "run/data/phantom.json").write_text(json.dumps([1]))
    return ["pipeline", "--out", "run", "--until", "check"]


@wrong("folders", "a check of two that are copies", "files hold one image", code=0)
def _(place: Place):
    found = load_volume(place.data / TARGET[0])
    save_volume(found, place.data / "again.nii.gz")
    place.listed(test=["again.nii.gz"])
    return ["check", place.data]
