"""Translations and models as stages of the graph: Algorithm 1, each part once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from past_core.pipeline.settings import Choice, Settings
from past_core.pipeline.stage import Stage
from past_core.pipeline.tables import Model, Translation

__all__ = ["Builder", "Trained", "Translated"]


@dataclass(frozen=True)
class Translated:
    """One fitted translator and the stage of its images."""

    name: str
    protocol: str | None
    translator: str
    fit: Stage
    images: Stage


@dataclass
class Trained:
    """One model's rounds, as far as something asks for them; round 0 first."""

    model: Model
    protocol: str | None
    seed: int
    choice: Choice
    rounds: list[Stage] = field(default_factory=list)

    def name(self, number: int) -> str:
        """What a stage of round ``number`` is called after its first word."""
        seed = f"-s{self.seed}" if len(self.model.seeds) > 1 else ""
        rounds = f"-st{number}" if number else ""
        return f"{at_protocol(self.model.name, self.protocol)}{seed}{rounds}"


class Builder(Scans):
    """Adds the stages of translations and models to a graph, each when it is first asked for."""

    def __init__(self, settings: Settings, dataset: Dataset, inventory: Inventory) -> None:
        super().__init__(settings, dataset, inventory)
        self.translated: dict[tuple[str, str | None], Translated] = {}
        self._trained: dict[tuple[str, str | None, int], Trained] = {}
        self._copied: dict[str, list[tuple[dict[str, Any], dict[str, Stage]]]] = {}
        each = [one.each for one in self.systems.translation]
        if any([*each, *(one.each for one in self.systems.model)]):
            require_enough(dataset, self.systems.protocols)

    def translation(self, translation: Translation, protocol: str | None) -> Translated:
        """A translator trained for a protocol, or for all, and the images it makes."""
        key = (translation.name, protocol)
        if key not in self.translated:
            choice = self.settings.choice(
                "translator", translation.translator, translation.settings
            )
            source, target = self.source(), self.target(protocol)
            pool = Pool([*source, *target])
            count, name = len(source), at_protocol(translation.name, protocol)
            params = {
                "plugin": choice.whole(),
                "labels": self.labels,
                "source": pool.entries[:count],
                "target": pool.entries[count:],
            }
            fit = self.add(
                f"fit-{name}",
                "translate:fit",
                params,
                pool.inputs,
                seed=self.seed_of("translate:fit"),
                incidental={"config": choice.incidental()},
            )
            pool = Pool(source, labelled=False)
            images = self.add(
                f"translate-{name}",
                "translate:translate",
                {"plugin": choice.brief(), "source": pool.entries},
                {**pool.inputs, "model": fit},
            )
            self.translated[key] = Translated(
                translation.name, protocol, translation.translator, fit, images
            )
        return self.translated[key]

    def trained(self, model: Model, protocol: str | None, seed: int, number: int) -> Trained:
        """A model with its rounds up to ``number``."""
        key = (model.name, protocol, seed)
        if key not in self._trained:
            choice = self.settings.choice("segmenter", model.segmenter, model.settings)
            self._trained[key] = Trained(model, protocol, seed, choice)
        trained = self._trained[key]
        while len(trained.rounds) <= number:
            k = len(trained.rounds)
            groups = self._groups(model.rounds[k - 1].images if k else model.images, trained)
            if k:
                trained.rounds.append(self._round(trained, k, groups))
            else:
                scans = [scan for _, base, copies in groups for scan in (*base, *copies)]
                trained.rounds.append(self._fit(trained, 0, scans, self._start(trained)))
        return trained

    def _start(self, trained: Trained) -> dict[str, Stage]:
        """The stage of the weights that round 0 begins with; nothing, if it begins anew."""
        if trained.model.start is None:
            return {}
        other = self.systems.find_model(trained.model.start)
        last = len(other.rounds)
        return {"start": self.trained(other, trained.protocol, trained.seed, last).rounds[last]}

    def fits(self) -> list[Stage]:
        """The trainings of all models and rounds so far."""
        return [fit for trained in self._trained.values() for fit in trained.rounds]

    def predict(
        self, trained: Trained, number: int, scans: Sequence[Scan], first: str, last: str = ""
    ) -> Stage:
        """Class probabilities of scans by one round of a model."""
        pool = Pool(scans, labelled=False)
        params = {
            "plugin": trained.choice.brief(),
            "prediction": trained.choice.config.predictive(),
            "cases": pool.entries,
        }
        inputs = {**pool.inputs, "model": trained.rounds[number]}
        return self.add(f"{first}{trained.name(number)}{last}", "segment:predict", params, inputs)

    def _round(self, trained: Trained, k: int, groups: list[_Group]) -> Stage:
        """Algorithm 1's loop: label X_c with S_{k-1}, select, train S_k from S_{k-1}."""
        one = trained.model.rounds[k - 1]
        unlabelled = [scan for image, base, _ in groups if image.pseudo for scan in base]
        if not unlabelled:
            return self._fit(trained, k, _flat(groups, None), {"start": trained.rounds[k - 1]})
        predictions = self.predict(trained, k - 1, unlabelled, "label-", f"-for-st{k}")
        strategy = self.settings.choice("strategy", one.strategy, one.settings)
        params = {
            "plugin": strategy.whole(),
            "labels": self.labels,
            "round": k,
            "cases": [scan.id for scan in unlabelled],
        }
        selected = self.add(
            f"select-{trained.name(k)}",
            "selftrain:select",
            params,
            {"predictions": predictions},
            incidental={"config": strategy.incidental()},
        )
        start = {"start": trained.rounds[k - 1]}
        return self._fit(trained, k, _flat(groups, selected), start)

    def _fit(
        self, trained: Trained, number: int, scans: list[Scan], start: dict[str, Stage]
    ) -> Stage:
        pool = Pool(scans)
        choice = trained.choice
        params = {"plugin": choice.whole(), "labels": self.labels, "cases": pool.entries}
        name = f"fit-{trained.name(number)}"
        return self.add(
            name,
            "segment:fit",
            params,
            {**pool.inputs, **start},
            seed=self.seed_of("segment:fit", trained.seed, number),
            incidental={"config": choice.incidental()},
        )

    def _groups(self, images: Sequence[Images], trained: Trained) -> list[_Group]:
        """Of each entry of ``images`` the scans and their varied copies."""
        named: list[tuple[Images, str, list[Scan], str]] = []
        for one in images:
            named += [(one, word, scans, name) for word, scans, name in self._drawn(one, trained)]
        apart = told_apart([(word, scans) for _, word, scans, _ in named])
        groups = [
            (one, scans, self._copies(one, scans, name))
            for (one, _, _, name), scans in zip(named, apart, strict=True)
        ]
        return _weighted(images, groups)

    def _drawn(self, one: Images, trained: Trained) -> list[tuple[str, list[Scan], str]]:
        """Scans of one entry of ``images``, by what tells them apart and their stages' name."""
        protocol = trained.protocol
        if one.origin == "source":
            return [("source", self.source(), "source")]
        if one.origin == "target":
            scans = self.oracle(protocol) if one.labels == "true" else self.target(protocol)
            return [("target", scans, "target")]
        address = Address.parse(one.origin, f"model {trained.model.name}")
        translation = self.systems.find_translation(address.name)
        assert translation is not None
        wanted: Sequence[str | None] = [None]
        if translation.each:
            asked = address.protocol or protocol
            wanted = self.protocols if asked is None else [asked]
            self.require_protocols(wanted, f"model {trained.model.name}, from {one.origin}")
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


_Group = tuple[Images, list[Scan], list[Scan]]


def _flat(groups: list[_Group], selected: Stage | None) -> list[Scan]:
    """What a round trains on: scans and copies, with pseudo-labels where they are wanted."""
    result = []
    for image, base, copies in groups:
        for number, scan in enumerate([*base, *copies]):
            label = scan.label
            if image.pseudo and selected is not None:
                label = (selected, base[number % len(base)].id)
            result.append(replace(scan, label=label))
    return result


def _weighted(images: Sequence[Images], groups: list[_Group]) -> list[_Group]:
    """Let every entry of ``images`` have its share of what is drawn."""
    counts = [
        sum(len(base) + len(copies) for one, base, copies in groups if one is image)
        for image in images
    ]
    found = weights([image.share for image in images], counts)
    weight = {id(image): value for image, value in zip(images, found, strict=True)}
    return [
        (
            one,
            [replace(scan, weight=weight[id(one)]) for scan in base],
            [replace(scan, weight=weight[id(one)]) for scan in copies],
        )
        for one, base, copies in groups
    ]
