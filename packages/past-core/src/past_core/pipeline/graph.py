"""The stages of a run and their order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from past_core.pipeline.stage import Stage

__all__ = ["Graph"]


class Graph:
    """Stages, each after those whose folders it reads; what two have in common exists once."""

    def __init__(self) -> None:
        self._by_name: dict[str, Stage] = {}
        self._by_fingerprint: dict[str, Stage] = {}

    def add(self, stage: Stage) -> Stage:
        """Add a stage, or give the one that has the same result already.

        Raises
        ------
        ValueError
            If another stage has its name, or an input was not added: a defect of the plan.
        """
        same = self._by_fingerprint.get(stage.fingerprint)
        if same is not None:
            return same
        if stage.name in self._by_name:
            raise ValueError(f"two different stages are named {stage.name}")
        for role, needed in stage.inputs.items():
            if self._by_name.get(needed.name) != needed:
                raise ValueError(f"{stage.name}: its input {role}, {needed.name}, is not there")
        self._by_name[stage.name] = stage
        self._by_fingerprint[stage.fingerprint] = stage
        return stage

    def __iter__(self) -> Iterator[Stage]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __getitem__(self, name: str) -> Stage:
        return self._by_name[name]

    def with_needed(self, wanted: Iterable[Stage]) -> Graph:
        """The graph of these stages and all that they need."""
        keep: set[str] = set()
        pending = list(wanted)
        while pending:
            stage = pending.pop()
            if stage.fingerprint not in keep:
                keep.add(stage.fingerprint)
                pending += stage.inputs.values()
        smaller = Graph()
        for stage in self:
            if stage.fingerprint in keep:
                smaller.add(stage)
        return smaller

    def ready(self, done: Collection[str]) -> list[Stage]:
        """Stages not done whose inputs all are, those first that most others wait for.

        Parameters
        ----------
        done
            Names of finished stages.
        """
        length = self._chains()
        open_ones = [
            stage
            for stage in self
            if stage.name not in done and all(s.name in done for s in stage.inputs.values())
        ]
        return sorted(open_ones, key=lambda stage: -length[stage.name])

    def _chains(self) -> dict[str, int]:
        """Number of stages on the longest chain that begins at each stage."""
        length = dict.fromkeys(self._by_name, 1)
        for stage in reversed(list(self)):
            for needed in stage.inputs.values():
                length[needed.name] = max(length[needed.name], length[stage.name] + 1)
        return length
