"""One stage of a run: a pure function of its parameters, its inputs and a seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

__all__ = ["Stage", "derive_seed"]


@dataclass(frozen=True)
class Stage:
    """A node of the graph; two stages with one fingerprint have the same result."""

    name: str
    """For people, and the beginning of its folder's name; not in the fingerprint."""
    function: str
    """``"past_core.pipeline.work.translate:fit"``, called with parameters and a ``Work``."""
    params: Mapping[str, Any]
    """All that the function sees besides its inputs' folders and the seed; JSON-able."""
    inputs: Mapping[str, Stage] = field(default_factory=dict)
    """The stages whose folders it reads, by the role they play in it."""
    seed: int | None = None
    """32 bits; None where nothing is left to chance."""
    generation: int = 1
    """Raised whenever the function gives other results than before."""
    incidental: Mapping[str, Any] = field(default_factory=dict)
    """What does not change the result: where content lies, numbers of workers."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of function, generation, parameters, seed and the inputs' fingerprints."""
        identity = {
            "function": self.function,
            "generation": self.generation,
            "params": self.params,
            "seed": self.seed,
            "inputs": {role: stage.fingerprint for role, stage in self.inputs.items()},
        }
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    @property
    def folder(self) -> str:
        """Name of its folder among the stages' folders."""
        return f"{self.name}-{self.fingerprint[:SHORT]}"

    @property
    def plugins(self) -> list[tuple[str, str]]:
        """Kinds and names of the plugins that its parameters name."""
        single = self.params.get("plugin")
        several = [p for key in ("metrics", "validators") for p in self.params.get(key, ())]
        return [(p["kind"], p["name"]) for p in ([] if single is None else [single]) + several]

    @property
    def kind(self) -> str:
        """Which room of the work it belongs to: ``check``, ``crop``, ``translate``, ..."""
        return self.function.partition(":")[0].rpartition(".")[2]


SHORT = 12
"""Hexadecimal digits of a fingerprint in a folder's name."""


def derive_seed(seed: int, *parts: object) -> int:
    """A seed of its own for a part of the work, 32 bits, from the run's seed."""
    text = "/".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
