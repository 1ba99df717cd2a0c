"""Models and their rounds as stages of the graph: Algorithm 1, each part once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from past_core.dataset import Dataset
from past_core.errors import ConfigError
from past_core.pipeline.address import Address
from past_core.pipeline.inventory import Inventory
from past_core.pipeline.learner import check_same_network, learner, predictive
from past_core.pipeline.material import Group, Material, Selected
from past_core.pipeline.online import teaches_online
from past_core.pipeline.pool import Pool, Scan
from past_core.pipeline.scans import at_protocol
from past_core.pipeline.settings import Choice, Settings
from past_core.pipeline.stage import Stage
from past_core.pipeline.tables import Model, Round
from past_core.plugins import StrategySpec

__all__ = ["Builder", "Trained"]


@dataclass
class Trained:
    """One model's rounds, as far as something asks for them; round 0 first."""

    model: Model
    protocol: str | None
    seed: int
    choice: Choice
    rounds: list[Stage] = field(default_factory=list)
    selected: dict[int, Stage] = field(default_factory=dict)
    """By round what its strategy selected."""

    def name(self, number: int) -> str:
        """What a stage of round ``number`` is called after its first word."""
        seed = f"-s{self.seed}" if len(self.model.seeds) > 1 else ""
        rounds = f"-st{number}" if number else ""
        return f"{at_protocol(self.model.name, self.protocol)}{seed}{rounds}"


class Builder(Material):
    """Adds the stages of models to a graph, each when it is first asked for."""

    def __init__(self, settings: Settings, dataset: Dataset, inventory: Inventory) -> None:
        super().__init__(settings, dataset, inventory)
        self._trained: dict[tuple[str, str | None, int], Trained] = {}

    def trained(self, model: Model, protocol: str | None, seed: int, number: int) -> Trained:
        """A model with its rounds up to ``number``."""
        key = (model.name, protocol, seed)
        if key not in self._trained:
            choice = self.settings.choice("segmenter", model.segmenter, model.settings)
            self._trained[key] = Trained(model, protocol, seed, choice)
        trained = self._trained[key]
        while len(trained.rounds) <= number:
            k = len(trained.rounds)
            images = model.rounds[k - 1].images if k else model.images
            groups = self.groups(images, model, protocol)
            if k:
                trained.rounds.append(self._round(trained, k, groups))
            else:
                trained.rounds.append(self._fit(trained, 0, groups, None, self._start(trained)))
        return trained

    def known(
        self, model: Model, protocol: str | None, seed: int, number: int
    ) -> tuple[Trained, Stage] | None:
        """A model's training of round ``number``, if something asked for it already."""
        trained = self._trained.get((model.name, protocol, seed))
        if trained is None or len(trained.rounds) <= number:
            return None
        return trained, trained.rounds[number]

    def _start(self, trained: Trained) -> dict[str, Stage]:
        """The stage of the weights that round 0 begins with; nothing, if it begins anew."""
        if trained.model.start is None:
            return {}
        other = self.systems.find_model(trained.model.start)
        check_same_network(self.settings, trained.model, other)
        last = len(other.rounds)
        return {"start": self.trained(other, trained.protocol, trained.seed, last).rounds[last]}

    def fits(self) -> list[Stage]:
        """The trainings of all models and rounds so far."""
        return [fit for trained in self._trained.values() for fit in trained.rounds]

    def selections(self) -> list[tuple[str, int, Stage]]:
        """Of all rounds so far that select: the model, the round, and where."""
        return [
            (trained.name(0), k, stage)
            for trained in self._trained.values()
            for k, stage in trained.selected.items()
        ]

    def predict(
        self,
        trained: Trained,
        number: int,
        scans: Sequence[Scan],
        *,
        name: tuple[str, str],
        prediction: Mapping[str, Any] | None = None,
    ) -> Stage:
        """Class probabilities of scans by one round of a model.

        Parameters
        ----------
        name
            What stands before and behind the model's name in the stage's.
        prediction
            The segmenter's settings of prediction, on top of its own.
        """
        pool = Pool(scans, labelled=False)
        params = {
            "plugin": trained.choice.brief(),
            "prediction": predictive(self.settings, trained.model, prediction or {}),
            "cases": pool.entries,
        }
        inputs = {**pool.inputs, "model": trained.rounds[number]}
        return self.add(
            trained.name(number).join(name),
            "segment:predict",
            params,
            inputs,
            incidental={"classes": len(self.labels) + 1},
        )

    def _round(self, trained: Trained, k: int, groups: list[Group]) -> Stage:
        """Algorithm 1's loop: label X_c with S_{k-1}, select, train S_k from S_{k-1}."""
        start = {"start": trained.rounds[k - 1]}
        asked = [group for group in groups if group.entry.selected]
        if asked and teaches_online(self.settings.registry, trained.model, k):
            return self._fit(trained, k, groups, None, start)
        selected = self._select(trained, k, asked) if asked else None
        return self._fit(trained, k, groups, selected, start)

    def _select(self, trained: Trained, k: int, groups: list[Group]) -> Selected:
        """Label scans with their teachers and select; the stages of what comes of it."""
        one = trained.model.rounds[k - 1]
        assert one.strategy is not None
        scans = [scan for group in groups for scan in group.base]
        pool = Pool(scans, labelled=False)
        entries = [one.images.index(group.entry) for group in groups for _ in group.base]
        inputs = dict(pool.inputs) | {
            "predictions" if n == 1 else f"predictions{n}": stage
            for n, stage in enumerate(self._labelled(trained, k, scans), start=1)
        }
        spec = self.settings.registry.find("strategy", one.strategy).spec
        count = len(inputs) - len(pool.inputs)
        if isinstance(spec, StrategySpec) and count < spec.teachers:
            raise ConfigError(
                f"model {trained.model.name}, round {k}: {one.strategy} needs {spec.teachers} "
                f'teachers, and has {count}. Name them: teachers = ["one/0", "other/0"].'
            )
        strategy = self.settings.choice("strategy", one.strategy, one.settings)
        params = {
            "plugin": strategy.whole(),
            "labels": self.labels,
            "round": k,
            "cases": [
                {**case, "entry": entry} for case, entry in zip(pool.entries, entries, strict=True)
            ],
        }
        pseudo = self.add(
            f"select-{trained.name(k)}",
            "selftrain:select",
            params,
            inputs,
            incidental={"config": strategy.incidental()},
            generation=3,
        )
        trained.selected[k] = pseudo
        return {"replace": pseudo, **self._corrected(trained.name(k), groups, pseudo)}

    def _corrected(self, name: str, groups: list[Group], pseudo: Stage) -> dict[str, Stage]:
        """True labels where pseudo-labels were kept, if any scan of a round is to have them."""
        scans = [s for group in groups if group.entry.labels == "corrected" for s in group.base]
        if not scans:
            return {}
        pool = Pool(scans)
        params = {"labels": self.labels, "cases": pool.entries}
        inputs = {**pool.inputs, "selected": pseudo}
        return {"corrected": self.add(f"correct-{name}", "selftrain:correct", params, inputs)}

    def _labelled(self, trained: Trained, k: int, scans: Sequence[Scan]) -> list[Stage]:
        """Class probabilities of scans by each teacher of a round."""
        one = trained.model.rounds[k - 1]
        stages: list[Stage] = []
        for teacher, number in self._teachers(trained, k, one):
            own = teacher is trained and number == k - 1
            name = "label-", f"-for-st{k}" if own else f"-for-{trained.name(k)}"
            stage = self.predict(teacher, number, scans, name=name, prediction=one.labelling)
            stages += [stage] if stage not in stages else []
        return stages

    def _teachers(self, trained: Trained, k: int, one: Round) -> list[tuple[Trained, int]]:
        """Models and their rounds that label scans for round k."""
        if not one.teachers:
            return [(trained, k - 1)]
        found = []
        for text in one.teachers:
            address = Address.parse(text, f"model {trained.model.name}, teachers")
            own = address.name == trained.model.name
            asked = self.systems.asked(address, trained.protocol, last=k - 1 if own else None)
            where = f"model {trained.model.name}, teacher {text}"
            self.require_protocols([protocol for _, protocol, _, _ in asked], where)
            found += [(self.trained(*one), one[-1]) for one in asked]
        return found

    def _fit(
        self,
        trained: Trained,
        number: int,
        groups: list[Group],
        selected: Selected | None,
        start: dict[str, Stage],
    ) -> Stage:
        """A round's training, on pseudo-labels where they are selected and wanted."""
        choice = learner(self.settings, trained.model, number)
        online = number > 0 and selected is None and any(g.entry.selected for g in groups)
        labelled = [g for g in groups if not (online and g.entry.selected)]
        scans = [scan for group in labelled for scan in group.scans(selected)]
        params: dict[str, Any] = {"plugin": choice.whole(), "labels": self.labels}
        incidental = {"config": choice.incidental()}
        if online:
            one = trained.model.rounds[number - 1]
            assert one.strategy is not None
            strategy = self.settings.choice("strategy", one.strategy, one.settings)
            params["strategy"] = strategy.whole()
            incidental["strategy"] = strategy.incidental()
            others = [replace(s, label=None) for g in groups if g not in labelled for s in g.base]
            scans += others
        pool = Pool(scans)
        params["cases"] = pool.entries
        return self.add(
            f"fit-{trained.name(number)}",
            "segment:fit",
            params,
            {**pool.inputs, **start},
            seed=self.seed_of("segment:fit", trained.seed, number),
            incidental=incidental,
        )
