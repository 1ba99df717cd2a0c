"""Run folders that were damaged; the program mends them, or says what to delete."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.answers.place import Place, wrong

HOSTILE = {
    "is a list": b"[]",
    "is binary": bytes(range(256)),
    "is empty": b"",
    "is null": b"null",
    "lacks all keys": b"{}",
    "has 100 000 levels": b"[" * 100_000,
    "is cut off": b'{"name": "st',
}


def damaged(name: str, damage: Callable[[Path], object], *says: str, code: int = 0) -> None:
    """Enter a case of a run that is to go on after damage."""

    def spoil(place: Place):
        damage(place.run)
        return place.pipeline("--rounds", "1")

    wrong("run folders", name, *says, code=code)(spoil)


def one(run: Path, pattern: str) -> Path:
    """The first file of a run that fits."""
    return sorted(run.glob(pattern))[0]


def overwrite(pattern: str, content: bytes) -> Callable[[Path], object]:
    return lambda run: one(run, pattern).write_bytes(content)


for _how, _content in HOSTILE.items():
    damaged(f"run.json {_how}", overwrite("run.json", _content))
    damaged(f"a manifest {_how}", overwrite("stages/fit-bayes-*/manifest.json", _content))
    damaged(f"the inventory {_how}", overwrite("stages/check-*/inventory.json", _content))


def without(key: str) -> Callable[[Path], object]:
    """Take a key out of a manifest."""

    def damage(run: Path) -> None:
        path = one(run, "stages/fit-bayes-*/manifest.json")
        content = json.loads(path.read_text())
        del content[key]
        path.write_text(json.dumps(content))

    return damage


for _key in ("finished", "files", "seed", "function"):
    damaged(f"a manifest lacks {_key}", without(_key))


def _cut(run: Path) -> None:
    path = one(run, "stages/translate-*/*.nii.gz")
    path.write_bytes(path.read_bytes()[:50])


damaged("a stage's image is lost", lambda run: one(run, "stages/translate-*/*.nii.gz").unlink())
damaged("a stage's image is cut off", _cut)
damaged("a model is lost", lambda run: shutil.rmtree(one(run, "stages/fit-bayes-*/model")))
damaged("a stage is lost", lambda run: shutil.rmtree(one(run, "stages/fit-bayes-*")))
damaged("all stages are lost", lambda run: shutil.rmtree(run / "stages"))
damaged("the scores are lost", lambda run: (run / "scores.csv").unlink())
damaged("the scores are binary", overwrite("scores.csv", bytes(range(256))))
damaged("the segmentations are lost", lambda run: shutil.rmtree(run / "segmentations"))
damaged("a stranger's file among the stages", lambda run: (run / "stages/x").write_text("x"))
damaged("a stranger's folder among the stages", lambda run: (run / "stages/check-x").mkdir())


def _in_place_of(pattern: str) -> Callable[[Path], object]:
    def damage(run: Path) -> None:
        path = one(run, pattern)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.write_text("x") if pattern == "stages" else path.mkdir()

    return damage


damaged("the stages are a file", _in_place_of("stages"), "stages", code=1)
damaged("run.json is a folder", _in_place_of("run.json"), "run.json", code=1)
damaged("a manifest is a folder", _in_place_of("stages/fit-bayes-*/manifest.json"))


def _loop(run: Path) -> None:
    path = one(run, "stages/translate-*/*.nii.gz")
    path.unlink()
    path.symlink_to(path.name)


damaged("a stage's image is a link to itself", _loop, "Too many levels", code=1)


def _pipe(run: Path) -> None:
    path = one(run, "stages/fit-bayes-*/manifest.json")
    path.unlink()
    os.mkfifo(path)


damaged("a manifest is a pipe", _pipe)


def shown(name: str, pattern: str, *says: str, command: str = "show") -> None:
    """Enter a case of a damaged run that is only to be shown."""
    for how, content in HOSTILE.items():

        def spoil(place: Place, content: bytes = content):
            one(place.run, pattern).write_bytes(content)
            return [command, place.run]

        wrong("run folders", f"{command}: {name} {how}", *says)(spoil)


shown("run.json", "run.json", "run.json")
shown("run.json", "run.json", "run.json", command="clean")


def kept(name: str, damage: Callable[[Path], object], *says: str) -> None:
    """Enter a case of an exported system that is damaged."""

    def spoil(place: Place):
        damage(place.kept)
        return ["predict", place.kept, place.image, "new"]

    wrong("exported systems", name, *says)(spoil)


for _how, _content in HOSTILE.items():
    kept(f"system.json {_how}", overwrite("system.json", _content), "system.json")


def _flip(folder: Path) -> None:
    path = one(folder, "model1/*.npy")
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


kept("a weight is changed", _flip, "not the file that was exported")
kept("a weight is lost", lambda folder: one(folder, "model1/*.npy").unlink(), "no such file")
