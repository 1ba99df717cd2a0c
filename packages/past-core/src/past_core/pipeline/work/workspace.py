"""What a stage's function may touch."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from past_core.case import Case, Domain
from past_core.config import PluginConfig
from past_core.files import load_json
from past_core.interfaces import Context, Segmenter, Translator
from past_core.interfaces.context import RECORD, Progress, silent
from past_core.pipeline.alone import learnt_alone
from past_core.pipeline.layout import SELECTION, image_path, label_path, model_path, weights_path
from past_core.pipeline.work.sound import Plugin
from past_core.plugins import Registry

__all__ = ["Work", "fit_once", "whole_config"]


@dataclass(frozen=True)
class Work:
    """A stage's own folder, its inputs' folders to read, and what plugins are told."""

    folder: Path
    inputs: Mapping[str, Path]
    """Folders of the inputs by role."""
    registry: Registry
    seed: int
    incidental: Mapping[str, Any] = field(default_factory=dict)
    """What does not change the result; see ``Stage.incidental``."""
    device: str = "cpu"
    progress: Progress = field(default=silent)

    def file(self, content: str) -> Path:
        """Where the data set's file with this SHA-256 lies."""
        return Path(self.incidental["files"][content])

    def create(self, plugin: Plugin, rest: str = "config") -> Any:  # noqa: ANN401
        """An instance of a plugin with its whole configuration.

        ``rest``: where among what is incidental the rest of its settings stand.
        """
        config = whole_config(plugin, self.incidental, self.registry, rest)
        return self.registry.create(plugin["kind"], plugin["name"], config)

    def factory(self, plugin: Plugin) -> Any:  # noqa: ANN401
        """The class of a plugin, to load what it saved."""
        return self.registry.factory(plugin["kind"], plugin["name"])

    def case(self, entry: Mapping[str, Any], domain: Domain) -> Case:
        """A scan of the parameters: ``{"id", "images": [role, id], "labels": [role, id]}``.

        ``weight`` may be among them. What a strategy says of a pseudo-label's weight holds too.
        """
        role, name = entry["images"]
        image = image_path(self.inputs[role], name)
        case = Case(entry["id"], domain, image, weight=entry.get("weight", 1.0))
        if "labels" not in entry:
            return case
        role, name = entry["labels"]
        folder = self.inputs[role]
        voxel_weights = weights_path(folder, name)
        return replace(
            case,
            label=label_path(folder, name),
            weight=case.weight * _selected_weight(folder, name),
            voxel_weights=voxel_weights if voxel_weights.exists() else None,
        )

    def learns_alone(self) -> bool:
        """Whether a strategy found that labels of target scans can be learnt from alone."""
        selections = {f / SELECTION for f in self.inputs.values() if (f / SELECTION).exists()}
        return learnt_alone([one for path in selections for one in _selection(path).values()])

    def context(self) -> Context:
        """Surroundings for a plugin's ``fit``; its folder lasts until the stage has finished."""
        scratch = self.folder / "work"
        scratch.mkdir(exist_ok=True)
        return Context(scratch, self.seed, self.device, self.progress)

    def discard_scratch(self) -> None:
        """Remove the plugin's folder, but keep what it recorded."""
        scratch = self.folder / "work"
        record = self.folder / RECORD
        if (scratch / RECORD).exists():
            _remove(record)
            (scratch / RECORD).rename(record)
        _remove(scratch)


def whole_config(
    plugin: Plugin, incidental: Mapping[str, Any], registry: Registry, rest: str = "config"
) -> PluginConfig:
    """A plugin's configuration: what its result depends on, and a stage's incidental rest."""
    kind, name = plugin["kind"], plugin["name"]
    values = {**plugin["config"], **incidental.get(rest, {})}
    return registry.config(kind, name, values, f"{kind}.{name}")


def _selected_weight(folder: Path, case_id: str) -> float:
    """How often a scan with a label from this folder is drawn, beside others of its domain."""
    path = folder / SELECTION
    return float(_selection(path)[case_id]["weight"]) if path.exists() else 1.0


@cache
def _selection(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = load_json(path)["cases"]
    return content


def fit_once(work: Work, fit: Callable[[], None], model: Translator | Segmenter) -> None:
    """Fit and save, unless an interrupted run got as far as saving."""
    final = model_path(work.folder)
    if not final.exists():
        fit()
        partial = work.folder / "model.partial"
        _remove(partial)
        partial.mkdir()
        model.save(partial)
        partial.rename(final)
    work.discard_scratch()


def _remove(folder: Path) -> None:
    """Remove what may not be there; a disk that refuses is heard, or gigabytes would stay."""
    if folder.exists():
        shutil.rmtree(folder)
