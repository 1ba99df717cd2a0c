"""The chain of the tutorial for a moment, with the plugins that are installed."""

from __future__ import annotations

from dataclasses import dataclass

from past_core.pipeline import chain, dump_systems
from tests.faults.commands import Toy
from tests.integration.commands import tiny_options


@dataclass
class Real(Toy):
    """A real command, but for trainings on random looks, which are trainings like the others."""

    toys: bool = False

    def arguments(self) -> tuple[str, ...]:
        systems = self.place / "systems.toml"
        systems.write_text(dump_systems(chain("nicegan", "resunet", "top-q", 1, looks=None)))
        return (
            *("past-cli", "pipeline", "--data", str(self.data), "--systems", str(systems)),
            *("--recipe", "smoke", *tiny_options(without="dataset")),
        )
