"""Where a wrong thing is tried: a sound data set, toy plugins, a finished run, all to be spoilt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from past_core.volume import Volume, save_volume
from tests.answers.asking import Answer, ask

__all__ = ["ALL", "Place", "Wrong", "first_places", "wrong"]

TOYS = ("--translator", "match", "--segmenter", "bayes", "--strategy", "keep", "--metric", "iou")
"""Plugins that learn in milliseconds."""


@dataclass
class Place:
    """A folder of one case; what is in it may be spoilt."""

    folder: Path
    first: Path
    """What places are copied from; read only."""
    path: list[Path] = field(default_factory=list)
    """Further distributions."""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """A sound data set of two scans a part."""
        return self._copied("data")

    @property
    def run(self) -> Path:
        """A finished run of the toys on that data set."""
        return self._copied("run")

    @property
    def kept(self) -> Path:
        """A system of that run, exported."""
        return self._copied("kept")

    @property
    def unscored(self) -> Path:
        """That run, had it stopped before its scores."""
        shutil.copytree(self.first / "run", self.folder / "unscored")
        (self.folder / "unscored/scores.csv").unlink()
        return self.folder / "unscored"

    def _copied(self, name: str) -> Path:
        if not (self.folder / name).exists():
            shutil.copytree(self.first / name, self.folder / name)
        return self.folder / name

    @property
    def image(self) -> Path:
        """One of the source scans."""
        return self.data / "source0_image.nii.gz"

    @property
    def label(self) -> Path:
        """Its label."""
        return self.data / "source0_label.nii.gz"

    def listed(self, **changes: Any) -> Path:
        """Change the data set's list."""
        path = self.data / "dataset.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        return path

    def written(self, name: str, content: str | bytes) -> Path:
        """A file beside the data."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def distribution(self, name: str, source: str) -> None:
        """Install a plugin of this source."""
        module = name.replace("-", "_")
        site = self.folder / f"site-{name}"
        write_distribution(site, name, module, source)
        self.path.append(site)

    def pipeline(self, *options: str | Path) -> list[str | Path]:
        """The arguments of a run of the toys on the data set."""
        options = TOYS + options if "--segmenter" not in options else options
        return ["pipeline", "--data", self.data, "--out", "run", "--jobs", "1", *options]

    def asked(self, arguments: Sequence[str | Path], limit: float = 60) -> Answer:
        """What the command line answers here."""
        path = [self.first / "site", *self.path]
        return ask(arguments, self.folder, path=path, environment=self.environment, limit=limit)


@dataclass(frozen=True)
class Wrong:
    """Something wrong, and what is to be said of it."""

    group: str
    name: str
    spoil: Callable[[Place], Sequence[str | Path]]
    """Spoils a place and gives the arguments of the command that meets it."""
    says: tuple[str, ...]
    """What the answer names: file or option, value, remedy."""
    code: int
    """Exit code; 0 where the program mends it, or only warns."""

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


ALL: list[Wrong] = []
"""Every case, in the order of the table."""


def wrong(
    group: str, name: str, *says: str, code: int = 1
) -> Callable[[Callable[[Place], Sequence[str | Path]]], None]:
    """Enter a case into the table."""

    def enter(spoil: Callable[[Place], Sequence[str | Path]]) -> None:
        ALL.append(Wrong(group, name, spoil, says, code))

    return enter


def first_places(folder: Path) -> Path:
    """Make what places are copied from."""
    toys = "from tests.core.pipeline.toys import Plugins\nown = Plugins()\n" + "\n".join(
        f"past_{kind} = own.past_{kind}"
        for kind in ("translators", "segmenters", "strategies", "metrics")
    )
    write_distribution(folder / "site", "past-toys", "past_toys", toys)
    _write_data(folder / "data")
    made = Place(folder, folder)
    for name, arguments in (
        ("run", made.pipeline("--rounds", "1")),
        ("kept", ["export", folder / "run", folder / "kept", "--system", "st1"]),
    ):
        done = made.asked(arguments)
        assert done.code == 0, done.err
        shutil.rmtree(folder / ".answer")
        assert (folder / name).is_dir()
    return folder


def write_distribution(site: Path, name: str, module: str, source: str) -> None:
    """A distribution with one plugin module, as pip would leave it."""
    info = site / f"{module}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[past]\n{name} = {module}\n")
    (site / f"{module}.py").write_text(source)


def _write_data(folder: Path) -> None:
    rng = np.random.default_rng(0)
    parts: Mapping[str, list[dict[str, str]]] = {"source": [], "target": [], "test": []}
    for part, entries in parts.items():
        for n in range(2):
            image = Volume(rng.normal(100, 20, (16, 16, 8)).astype(np.float32), np.eye(4))
            image.data[4:9, 4:9, 2:6] += 60
            label = Volume(np.zeros(image.shape, np.uint8), np.eye(4))
            label.data[4:9, 4:9, 2:6] = 1
            entry = {"image": f"{part}{n}_image.nii.gz"}
            save_volume(image, folder / entry["image"])
            if part != "target":
                entry["label"] = f"{part}{n}_label.nii.gz"
                save_volume(label, folder / entry["label"])
            entries.append(entry)
    content = {"name": "noise", "labels": {"background": 0, "bright": 1}, **parts}
    (folder / "dataset.json").write_text(json.dumps(content))
