"""Whether every file that has its final name is whole, and what was finished is untouched."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import numpy as np
from PIL import Image

from past_core.files import writer
from past_core.volume import load_volume

SCRATCH = ("work", "model.partial")
"""Folders within a stage whose content is its own business until it is finished."""


def half_written(folder: Path) -> list[str]:
    """Files under a final name that do not open, each with the reason."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or is_in_work(path.relative_to(folder)):
            continue
        try:
            _open(path)
        except Exception as error:  # whatever its reader says
            found.append(f"{path}: {type(error).__name__}: {error}")
    return found


def is_in_work(path: Path) -> bool:
    """Whether this is under a temporary name, or in a folder that is."""
    return any(writer(Path(part)) is not None or part in SCRATCH for part in path.parts)


def temporary(folder: Path) -> list[Path]:
    """What is under a temporary name."""
    return [path for path in folder.rglob("*") if is_in_work(path.relative_to(folder))]


def _open(path: Path) -> None:
    name = path.name
    if name.endswith(".json"):
        json.loads(path.read_text())
    elif name.endswith((".nii.gz", ".nii")) and "probabilities" not in name:
        load_volume(path)
    elif name.endswith(".csv"):
        text = path.read_text()
        assert text.endswith("\n"), "the last line is not whole"
        assert len({len(row) for row in csv.reader(text.splitlines())}) == 1, "rows differ"
    elif name.endswith(".toml"):
        tomllib.loads(path.read_text())
    elif name.endswith((".npy", ".npz")):
        loaded = np.load(path, allow_pickle=False)
        if name.endswith(".npz"):
            assert {key: loaded[key].shape for key in loaded}
    elif name.endswith(".png"):
        with Image.open(path) as image:
            image.load()
    elif name.endswith(".safetensors"):
        from safetensors.torch import load_file

        load_file(path)
    elif name.endswith(".pt"):
        import torch

        torch.load(path, weights_only=True)
    elif name not in (".lock", "log.txt") and ".tfevents." not in name:  # which only grow
        assert path.read_bytes().endswith(b"\n"), "the last line is not whole"


def finished(stages: Path) -> dict[str, tuple[int, int]]:
    """By finished stage, time and place of its manifest: both are others if it is redone."""
    found = {}
    for path in stages.glob("*/manifest.json"):
        if json.loads(path.read_text())["finished"]:
            state = path.stat()
            found[path.parent.name] = (state.st_mtime_ns, state.st_ino)
    return found


def kinds(stages: Path) -> dict[str, str]:
    """By stage its kind: the function that does its work."""
    found = {}
    for path in stages.glob("*/manifest.json"):
        function = json.loads(path.read_text())["function"]
        found[path.parent.name] = function.removeprefix("past_core.pipeline.work.")
    return found


def inventory(folder: Path) -> dict[str, tuple[int, int, int]]:
    """All files with size, time and place, but for the lock itself."""
    return {
        str(path.relative_to(folder)): (s.st_size, s.st_mtime_ns, s.st_ino)
        for path in folder.rglob("*")
        if path.name != ".lock" and not path.is_dir()
        for s in (path.stat(),)
    }
