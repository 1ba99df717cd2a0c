"""Models and their rounds as stages of the graph: Algorithm 1, each part once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from past_core.dataset import Dataset
from past_core.pipeline.inventory import Inventory
from past_core.pipeline.material import Group, Material
from past_core.pipeline.pool import Pool, Scan
from past_core.pipeline.scans import at_protocol
from past_core.pipeline.settings import Choice, Settings
from past_core.pipeline.stage import Stage
from past_core.pipeline.tables import Model

__all__ = ["Builder", "Trained"]


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

    def _round(self, trained: Trained, k: int, groups: list[Group]) -> Stage:
        """Algorithm 1's loop: label X_c with S_{k-1}, select, train S_k from S_{k-1}."""
        start = {"start": trained.rounds[k - 1]}
        unlabelled = [scan for group in groups if group.entry.pseudo for scan in group.base]
        if not unlabelled:
            return self._fit(trained, k, groups, None, start)
        one = trained.model.rounds[k - 1]
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
        return self._fit(trained, k, groups, selected, start)

    def _fit(
        self,
        trained: Trained,
        number: int,
        groups: list[Group],
        selected: Stage | None,
        start: dict[str, Stage],
    ) -> Stage:
        """A round's training, on pseudo-labels where they are selected and wanted."""
        pool = Pool([scan for group in groups for scan in group.scans(selected)])
        choice = trained.choice
        return self.add(
            f"fit-{trained.name(number)}",
            "segment:fit",
            {"plugin": choice.whole(), "labels": self.labels, "cases": pool.entries},
            {**pool.inputs, **start},
            seed=self.seed_of("segment:fit", trained.seed, number),
            incidental={"config": choice.incidental()},
        )
