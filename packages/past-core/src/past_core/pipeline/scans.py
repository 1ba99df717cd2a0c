"""Scans as the first stages cut them: what translations, models and systems are made from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from past_core.case import Case
from past_core.dataset import Dataset
from past_core.errors import ConfigError
from past_core.pipeline.graph import Graph
from past_core.pipeline.inventory import Inventory
from past_core.pipeline.pool import Scan
from past_core.pipeline.protocols import ALL, by_protocol
from past_core.pipeline.settings import Settings
from past_core.pipeline.stage import Stage, derive_seed

__all__ = ["Scans", "at_protocol", "slug"]

WORK = "past_core.pipeline.work"


class Scans:
    """A graph, and the stages of it that cut scans to the region; each is added once."""

    def __init__(self, settings: Settings, dataset: Dataset, inventory: Inventory) -> None:
        self.settings = settings
        self.systems = settings.systems
        self.dataset = dataset
        self.inventory = inventory
        self.graph = Graph()
        self.labels = list(dataset.labels.structures)
        roi, wide = self.systems.crop.regions(dataset)
        self.roi = roi.fractions
        """Lower, then upper fractions of the canonical axes."""
        self.translation_roi = None if wide is None else wide.fractions
        """Those of the region that translators see, if it is another."""
        self.crops: dict[str, Stage] = {}
        """By part; two parts of the very same scans are one stage."""

    @property
    def protocols(self) -> list[str]:
        """Protocols that models are made for."""
        return list(by_protocol(self.dataset.target))

    def add(
        self,
        name: str,
        function: str,
        params: dict[str, Any],
        inputs: dict[str, Stage] | None = None,
        **more: Any,  # noqa: ANN401
    ) -> Stage:
        """Add a stage whose function is in a room of ``past_core.pipeline.work``."""
        return self.graph.add(Stage(name, f"{WORK}.{function}", params, inputs or {}, **more))

    def crop(
        self, part: str, cases: Sequence[Case], *, images: bool, labels: bool, wide: bool = False
    ) -> Stage:
        """The stage that cuts scans, or only their labels, to the region.

        ``wide``: to that of translation, if there are two.
        """
        part = f"wide-{part}" if wide and self.translation_roi else part
        if part not in self.crops:
            regions: dict[str, Any] = {"roi": self.roi}
            if self.translation_roi and wide:
                regions = {"roi": self.translation_roi}
            elif self.translation_roi and images:
                regions["scaled_over"] = self.translation_roi
            self.crops[part] = self._crop(part, cases, regions, images=images, labels=labels)
        return self.crops[part]

    def _crop(
        self,
        part: str,
        cases: Sequence[Case],
        regions: dict[str, Any],
        *,
        images: bool,
        labels: bool,
    ) -> Stage:
        entries = [
            {
                "id": case.id,
                "image": self.inventory.of(case.image) if images else None,
                "label": self.inventory.of(case.label) if labels else None,
            }
            for case in cases
        ]
        wanted = {entry[key] for entry in entries for key in ("image", "label")}
        params = {
            **regions,
            "clip_percentile": self.systems.crop.clip_percentile,
            "cases": entries,
        }
        places = {key: path for key, path in self.inventory.places.items() if key in wanted}
        return self.add(f"crop-{part}", "crop:crop", params, incidental={"files": places})

    def source(self, *, wide: bool = False) -> list[Scan]:
        """Source scans with their labels; ``wide``: as translators see them."""
        stage = self.crop("source", self.dataset.source, images=True, labels=True, wide=wide)
        return [_scan(case, stage, stage) for case in self.dataset.source]

    def cropped_target(self, *, wide: bool = False) -> Stage:
        """The stage of all target scans, without labels; ``wide``: as translators see them."""
        return self.crop("target", self.dataset.target, images=True, labels=False, wide=wide)

    def cropped_test(self) -> Stage:
        """The stage of the scans that systems are applied to, without labels."""
        return self.crop("test", self.dataset.segmented, images=True, labels=False)

    def target(self, protocol: str | None, *, wide: bool = False) -> list[Scan]:
        """Target scans of a protocol, or all, without labels; ``wide``: as translators see them."""
        stage = self.cropped_target(wide=wide)
        return [_scan(case, stage, None) for case in self.target_cases(protocol)]

    def oracle(self, protocol: str | None) -> list[Scan]:
        """Target scans with their labels, but for those that are scored."""
        images = self.cropped_target()
        scored = {case.id for case in self.dataset.segmented}
        cases = [case for case in self.target_cases(protocol) if case.id not in scored]
        name = "oracle" if protocol is None else at_protocol("oracle", protocol)
        labels = self.crop(name, cases, images=False, labels=True)
        return [_scan(case, images, labels) for case in cases]

    def require_protocols(self, names: Sequence[str | None], where: str) -> None:
        """Protocols that a systems file speaks of must be there.

        Raises
        ------
        ConfigError
            Naming the unknown one and those there are.
        """
        for name in names:
            if name is not None and name not in self.protocols:
                raise ConfigError(
                    f"{where}: data set {self.dataset.name} has no target scans of protocol "
                    f"'{name}'; it has {', '.join(self.protocols)}. Correct the systems file, or "
                    "its [protocols]."
                )

    def seed_of(self, function: str, *index: int) -> int:
        """A stage's own seed: from what is done, and the how-manieth time, not from names.

        So what is called otherwise is trained alike, and two settings are compared with the
        same random numbers.
        """
        return derive_seed(self.settings.request.seed, function, *index)

    def target_cases(self, protocol: str | None) -> list[Case]:
        """Target scans of a protocol, or all."""
        return [c for c in self.dataset.target if protocol is None or c.protocol == protocol]


def _scan(case: Case, images: Stage, labels: Stage | None) -> Scan:
    return Scan(
        case.id, case.domain, (images, case.id), None if labels is None else (labels, case.id)
    )


def slug(protocol: str) -> str:
    """A protocol's name in letters that a folder's name may have."""
    return re.sub(r"[^A-Za-z0-9_.+-]", "_", protocol)


def at_protocol(name: str, protocol: str | None) -> str:
    """``name@protocol``; the one protocol of a data set that tells none apart is left out."""
    return name if protocol is None or protocol == ALL else f"{name}@{slug(protocol)}"
