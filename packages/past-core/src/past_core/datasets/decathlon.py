r"""Two data sets in the Medical Segmentation Decathlon's form, or two of MONAI's lists.

::

    Task01_ceT1/dataset.json    {"labels": {"0": "background", "1": "vs"},
                                 "training": [{"image": "./imagesTr/A.nii.gz",
                                               "label": "./labelsTr/A.nii.gz"}], "test": [...]}
    Task02_hrT2/dataset.json    {"training": ["./imagesTr/B.nii.gz"],
                                 "validation": [...], "test": ["./imagesTs/C.nii.gz"]}

    past-cli pipeline --data . --dataset decathlon \
      --set dataset.source=Task01_ceT1 --set dataset.target=Task02_hrT2

A setting names a folder with ``dataset.json`` or a list of any other name (MONAI); paths in it
are relative to its own folder. Where there are just two folders ``TaskNN_...``, one of them
without labels, they are found without settings. MONAI's ``testing`` is ``test``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from past_core.config import PluginConfig
from past_core.datasets.channels import REASON
from past_core.datasets.choice import folders_named, source_and_target
from past_core.datasets.declared import read_declared
from past_core.datasets.halves import Half, Scan, joined
from past_core.datasets.parts import outside
from past_core.errors import DataError
from past_core.files import exists
from past_core.interfaces.reader import DatasetReader
from past_core.problems import listing

if TYPE_CHECKING:
    from pathlib import Path

    from past_core.dataset import Dataset

__all__ = ["DecathlonConfig", "DecathlonReader"]

_FOLDER = re.compile(r"Task\d{2,}_.+")
LIST = "dataset.json"


class DecathlonConfig(PluginConfig):
    """Which list is which."""

    source: str = ""
    """The source's folder or list."""
    target: str = ""
    """The target's."""
    labels: str = ""
    """Structures and their values, ``vs=1,cochlea=2``; left empty, as the lists have them, or
    else after the values that source labels have."""
    outside: bool = False
    """Whether paths in a list may lead out of the folder that is opened."""


class DecathlonReader(DatasetReader):
    """Opens two lists; a case's id is its image's file name without suffix."""

    config: DecathlonConfig

    def recognises(self, folder: Path) -> bool:
        """Whether two or more folders ``TaskNN_...`` with their lists are there."""
        return len(_tasks(folder)) > 1

    def open(self, folder: Path) -> Dataset:
        """Read both lists.

        Raises
        ------
        DataError
            If it is not clear which list is which, or one cannot be read; or naming every wrong
            entry and missing file.
        """
        config = self.config
        found = {path.name: _labelled(path / LIST) for path in _tasks(folder)}
        for name in (config.source, config.target):
            if name and exists(folder / name):
                found.setdefault(name, False)
        names = source_and_target(found, config.source, config.target, str(folder), "list")
        problems: list[str] = []
        source, target = (_half(folder, name, config, problems) for name in names)
        if problems:
            raise listing(str(folder), problems)
        return joined("-to-".join(_short(name) for name in names), source, target, config.labels)


def _tasks(folder: Path) -> list[Path]:
    return folders_named(folder, _FOLDER, LIST)


def _labelled(path: Path) -> bool:
    """Whether a list's training scans have labels; one that cannot be read is told of later."""
    try:
        training = read_declared(path, labels=False).content.get("training")
    except DataError:
        return False
    return isinstance(training, list) and any(
        isinstance(entry, dict) and entry.get("label") for entry in training
    )


def _short(name: str) -> str:
    """``ceT1`` of ``Task01_ceT1`` or ``lists/ceT1.json``."""
    last = name.rstrip("/").rsplit("/", 1)[-1].removesuffix(".json")
    return last.split("_", 1)[1] if _FOLDER.fullmatch(last) else last


def _half(folder: Path, name: str, config: DecathlonConfig, problems: list[str]) -> Half:
    path = folder / name
    path = path / LIST if path.is_dir() else path
    around = None if config.outside else folder
    declared = read_declared(path, labels=not config.labels)
    content = declared.content
    lists = {
        part: [
            scan
            for key in keys
            for entry in _entries(content.get(key, []), key, declared.path, problems)
            if (scan := _scan(entry, key, declared.path, around, problems)) is not None
        ]
        for part, keys in {
            "training": ("training",),
            "validation": ("validation",),
            "test": ("test", "testing"),
        }.items()
    }
    # What a list calls validation is to choose by where it is labelled, else more to segment.
    unlabelled = [scan for scan in lists["validation"] if scan[1] is None]
    labelled = [scan for scan in lists["validation"] if scan[1] is not None]
    return Half(
        declared.path,
        declared.labels,
        lists["training"],
        labelled,
        [*lists["test"], *unlabelled],
    )


def _entries(value: Any, key: str, path: Path, problems: list[str]) -> list[Any]:  # noqa: ANN401
    if isinstance(value, list):
        return value
    problems.append(f"{path}: {key} is {value!r}, not a list of scans. Correct it.")
    return []


def _scan(
    entry: Any,  # noqa: ANN401
    key: str,
    path: Path,
    around: Path | None,
    problems: list[str],
) -> Scan | None:
    fields = entry if isinstance(entry, dict) else {"image": entry}
    image, label = fields.get("image"), fields.get("label")
    if isinstance(image, list) and len(image) == 1:
        image = image[0]
    if isinstance(image, list):
        names = ", ".join(map(str, image))
        problems.append(f"{path}: {key}: a scan of {len(image)} channels ({names}), {REASON}")
        return None
    if not isinstance(image, str) or not isinstance(label, str | None):
        problems.append(
            f'{path}: {key}: {entry!r} is neither a path nor {{"image": PATH, "label": PATH}}. '
            "Correct the entry."
        )
        return None
    if around is not None:
        problems += outside(around, path.parent, (image, label), f"{path}: {key}")
    return path.parent / image, None if label is None else path.parent / label
