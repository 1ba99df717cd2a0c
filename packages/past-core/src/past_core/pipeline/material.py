"""What models are trained on: scans, translations and varied copies, each with its share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from past_core.case import Domain
from past_core.dataset import Dataset
from past_core.pipeline.address import Address
from past_core.pipeline.images import Images, weights
from past_core.pipeline.inventory import Inventory
from past_core.pipeline.layout import copy_id
from past_core.pipeline.pool import Pool, Scan, told_apart
from past_core.pipeline.protocols import require_enough
from past_core.pipeline.scans import Scans, at_protocol
from past_core.pipeline.settings import Settings
from past_core.pipeline.stage import Stage
from past_core.pipeline.tables import Model, Translation
from past_core.plugins import TranslatorSpec
from past_core.roi import ROI

__all__ = ["Group", "Material", "Selected", "Translated"]


Selected = Mapping[str, Stage]
"""The stages of selected labels, by what ``images`` call them: ``replace``, ``corrected``."""


@dataclass(frozen=True)
class Group:
    """Scans of one entry of ``images``, and the varied copies made of them."""

    entry: Images
    base: list[Scan]
    copies: list[Scan]

    def scans(self, selected: Selected | None = None) -> list[Scan]:
        """All of them.

        Parameters
        ----------
        selected
            The stages of selected labels, of which a scan and its copies get what the entry wants.
        """
        scans = [*self.base, *self.copies]
        if selected is None or not self.entry.selected:
            return scans
        stage = selected[self.entry.labels or "replace"]
        count = len(self.base)
        return [
            replace(scan, label=(stage, self.base[number % count].id))
            for number, scan in enumerate(scans)
        ]


@dataclass(frozen=True)
class Translated:
    """One fitted translator and the stage of its images."""

    name: str
    protocol: str | None
    translator: str
    fit: Stage
    images: Stage
    measured: Stage | None
    """Figures without target labels, if the translator has any."""


class Material(Scans):
    """Adds the stages of translations and copies to a graph, each when it is first asked for."""

    def __init__(self, settings: Settings, dataset: Dataset, inventory: Inventory) -> None:
        super().__init__(settings, dataset, inventory)
        self.translated: dict[tuple[str, str | None], Translated] = {}
        self._copied: dict[str, list[tuple[dict[str, Any], dict[str, Stage]]]] = {}
        each = [one.each for one in self.systems.translation]
        if any([*each, *(one.each for one in self.systems.model)]):
            require_enough(dataset, self.systems.protocols)

    def translation(self, translation: Translation, protocol: str | None) -> Translated:
        """A translator trained for a protocol, or for all, and the images it makes."""
        key = (translation.name, protocol)
        if key not in self.translated:
            self.translated[key] = self._translated(translation, protocol)
        return self.translated[key]

    def _translated(self, translation: Translation, protocol: str | None) -> Translated:
        choice = self.settings.choice("translator", translation.translator, translation.settings)
        source, target = self.source(wide=True), self.target(protocol, wide=True)
        choice.config.require_suitable(self._shapes(protocol))
        pool = Pool([*source, *target])
        name, seed = at_protocol(translation.name, protocol), self.seed_of("translate:fit")
        scans = {
            "labels": self.labels,
            "source": pool.entries[: len(source)],
            "target": pool.entries[len(source) :],
        }
        fit = self.add(
            f"fit-{name}",
            "translate:fit",
            {"plugin": choice.whole(), **scans},
            pool.inputs,
            seed=seed,
            incidental={"config": choice.incidental()},
        )
        measured = None
        if self._measures(translation.translator):
            measured = self.add(
                f"measure-{name}",
                "translate:measure",
                {"plugin": choice.brief(), **scans},
                {**pool.inputs, "model": fit},
                seed=seed,
            )
        pool = Pool(source, labelled=False)
        params = {"plugin": choice.brief(), "source": pool.entries}
        if self.translation_roi is not None:
            params["cut"] = {"roi": self.roi, "of": self.translation_roi}
        images = self.add(
            f"translate-{name}",
            "translate:translate",
            params,
            {**pool.inputs, "model": fit},
        )
        return Translated(translation.name, protocol, translation.translator, fit, images, measured)

    def _shapes(self, protocol: str | None) -> list[tuple[int, int, int]]:
        """Voxels of what a translator sees of each scan, along the canonical axes."""
        roi = ROI.of(self.translation_roi or self.roi)
        shapes = []
        for case in (*self.dataset.source, *self.target_cases(protocol)):
            i, j, k = roi.box(self.inventory.shapes[str(case.image)])
            shapes.append((i.stop - i.start, j.stop - j.start, k.stop - k.start))
        return shapes

    def _measures(self, translator: str) -> bool:
        spec = self.settings.registry.find("translator", translator).spec
        return isinstance(spec, TranslatorSpec) and spec.measures

    def groups(self, images: Sequence[Images], model: Model, protocol: str | None) -> list[Group]:
        """What a model of a protocol, or of all, is trained on, by entry of ``images``."""
        named: list[tuple[Images, str, list[Scan], str]] = []
        for one in images:
            drawn = self._drawn(one, model, protocol)
            named += [(one, word, scans, name) for word, scans, name in drawn]
        apart = told_apart([(word, scans) for _, word, scans, _ in named])
        groups = [
            Group(one, scans, self._copies(one, scans, name))
            for (one, _, _, name), scans in zip(named, apart, strict=True)
        ]
        return _weighted(images, groups)

    def _drawn(
        self, one: Images, model: Model, protocol: str | None
    ) -> list[tuple[str, list[Scan], str]]:
        """Scans of one entry of ``images``, by what tells them apart and their stages' name."""
        if one.origin == "source":
            return [("source", self.source(), "source")]
        if one.origin == "target":
            scans = self.oracle(protocol) if one.supervised else self.target(protocol)
            return [("target", scans, "target")]
        address = Address.parse(one.origin, f"model {model.name}")
        translation = self.systems.find_translation(address.name)
        assert translation is not None
        wanted: Sequence[str | None] = [None]
        if translation.each:
            asked = address.protocol or protocol
            wanted = self.protocols if asked is None else [asked]
            self.require_protocols(wanted, f"model {model.name}, from {one.origin}")
        labels = self.source()
        drawn = []
        for each in wanted:
            made = self.translation(translation, each)
            scans = [Scan(s.id, Domain.SOURCE, (made.images, s.image[1]), s.label) for s in labels]
            name = at_protocol(translation.name, each)
            drawn.append((name.replace("@", "_"), scans, name))
        return drawn

    def _copies(self, one: Images, scans: Sequence[Scan], name: str) -> list[Scan]:
        if not one.copies:
            return []
        pool = Pool(scans)
        params = {"cases": pool.entries, "number": one.copies, "intensity": list(one.intensity)}
        stage = self.add(
            self._free(f"vary-{name}", params, pool.inputs),
            "translate:vary",
            params,
            pool.inputs,
            seed=self.seed_of("translate:vary"),
        )
        return [
            Scan(copy_id(s.id, n), s.domain, (stage, copy_id(s.id, n)), s.label)
            for n in range(1, one.copies + 1)
            for s in scans
        ]

    def _free(self, name: str, params: dict[str, Any], inputs: dict[str, Stage]) -> str:
        """A name for copies: entries of other numbers or factors get one of their own."""
        taken = self._copied.setdefault(name, [])
        key = (params, inputs)
        if key not in taken:
            taken.append(key)
        number = taken.index(key) + 1
        return name if number == 1 else f"{name}-{number}"


def _weighted(images: Sequence[Images], groups: list[Group]) -> list[Group]:
    """Give scans what their entry of ``images`` says: its share of what is drawn, and unless."""
    counts = [sum(len(g.scans()) for g in groups if g.entry is image) for image in images]
    found = weights([image.share for image in images], counts)
    weight = {id(image): value for image, value in zip(images, found, strict=True)}

    def of_entry(scans: Sequence[Scan], entry: Images) -> list[Scan]:
        return [replace(one, weight=weight[id(entry)], unless=entry.unless) for one in scans]

    return [
        Group(one.entry, of_entry(one.base, one.entry), of_entry(one.copies, one.entry))
        for one in groups
    ]
