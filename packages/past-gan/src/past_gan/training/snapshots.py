"""Translators kept during a training: each is a file like the one that is saved at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from past_core.interfaces.context import RECORD
from past_gan.training import checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from past_gan.config import SliceGANConfig

__all__ = ["FILE", "Snapshot", "figures_path", "kept_snapshots", "snapshot_path"]

FILE = "translator.safetensors"


@dataclass(frozen=True)
class Snapshot:
    """What a saved translator is besides its weights."""

    kind: str
    """Name of the plugin."""
    config: SliceGANConfig
    axis: int
    """Across the slices."""

    def write(self, path: Path, network: nn.Module) -> None:
        """Write the network with these facts."""
        facts = {
            "kind": self.kind,
            "config": self.config.model_dump(mode="json"),
            "axis": self.axis,
        }
        checkpoint.write(path, network.state_dict(), facts)


def snapshot_path(folder: Path, step: int) -> Path:
    """Of the translator after ``step`` steps of the training in ``folder``."""
    return folder / RECORD / "snapshots" / f"{step:07d}.safetensors"


def figures_path(snapshot: Path) -> Path:
    """Of the label-free figures beside a kept translator."""
    return snapshot.with_suffix(".json")


def kept_snapshots(folder: Path) -> list[Path]:
    """Those of the training in ``folder``, the latest last."""
    return sorted((folder / RECORD / "snapshots").glob("[0-9]*.safetensors"))
