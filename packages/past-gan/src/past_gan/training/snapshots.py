"""Translators kept during a training: each is a file like the one that is saved at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from past_core.interfaces.context import RECORD
from past_gan.training import checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

    from past_gan.config import SliceGANConfig

__all__ = ["FILE", "SNAPSHOTS", "Snapshot", "figures_path", "kept_snapshots", "snapshot_path"]

FILE = "translator.safetensors"
SNAPSHOTS = "snapshots"
"""Folder, in a training's record, of the translators kept."""


@dataclass(frozen=True)
class Snapshot:
    """What a saved translator is besides its weights."""

    kind: str
    """Name of the plugin."""
    config: SliceGANConfig
    axis: int
    """Axis across the slices, of (right, anterior, superior)."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What is known of it without target labels, as JSON values."""

    def write(self, path: Path, network: nn.Module) -> None:
        """Write a network's weights with these facts, whole or not at all."""
        facts = {
            "kind": self.kind,
            "config": self.config.model_dump(mode="json"),
            "axis": self.axis,
            "figures": dict(self.figures),
        }
        checkpoint.write(path, network.state_dict(), facts)


def snapshot_path(folder: Path, step: int) -> Path:
    """The file of the translator kept after ``step`` steps of the training in ``folder``."""
    return folder / RECORD / SNAPSHOTS / f"{step:07d}.safetensors"


def figures_path(snapshot: Path) -> Path:
    """The JSON file of a kept translator's label-free figures, beside it."""
    return snapshot.with_suffix(".json")


def kept_snapshots(folder: Path) -> list[Path]:
    """Files of the translators that the training in ``folder`` kept, the latest last."""
    return sorted((folder / RECORD / SNAPSHOTS).glob("[0-9]*.safetensors"))
