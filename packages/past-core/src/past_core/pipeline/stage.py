"""One stage of a run: a pure function of settings, inputs and a seed, with a folder of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from past_core.interfaces import Context
from past_core.interfaces.context import RECORD, Progress, silent

__all__ = ["Stage", "Workspace", "derive_seed"]


@dataclass(frozen=True)
class Workspace:
    """What a stage may touch: its own folder, and its inputs' folders to read."""

    folder: Path
    inputs: Mapping[str, Path]
    seed: int
    device: str = "cpu"
    progress: Progress = field(default=silent)

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
            shutil.rmtree(record, ignore_errors=True)
            (scratch / RECORD).rename(record)
        shutil.rmtree(scratch, ignore_errors=True)


@dataclass(frozen=True)
class Stage:
    """A node of the graph."""

    name: str
    """Unique; also the name of its folder."""
    needs: tuple[str, ...]
    """Stages whose folders it reads."""
    settings: Mapping[str, Any]
    """All that its result depends on besides its inputs and the seed; JSON-able."""
    work: Callable[[Workspace], None]
    """Fills the workspace; called again after an interruption, it goes on or starts over."""

    def fingerprint(self, inputs: Mapping[str, str], seed: int) -> str:
        """Hash of settings, seed and the inputs' fingerprints: equal means the same result."""
        identity = {
            "name": self.name,
            "settings": self.settings,
            "seed": seed,
            "inputs": {name: inputs[name] for name in self.needs},
        }
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def derive_seed(seed: int, name: str) -> int:
    """A stage's own seed, 32 bits, from the run's: stages do not share random numbers."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
