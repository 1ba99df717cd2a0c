"""From systems to the graph of stages: which models answer for which scan and structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from past_core.dataset import Dataset
from past_core.errors import DataError
from past_core.pipeline.answers import Member
from past_core.pipeline.application import Application, PlannedSystem
from past_core.pipeline.builder import Builder
from past_core.pipeline.graph import Graph
from past_core.pipeline.inventory import Inventory
from past_core.pipeline.material import Translated
from past_core.pipeline.routes import Routes
from past_core.pipeline.settings import Settings
from past_core.pipeline.stage import Stage

__all__ = ["Plan", "plan"]

Members = Mapping[str, Mapping[str, Sequence[Member]]]
"""By protocol and structure."""


@dataclass(frozen=True)
class Plan:
    """The graph of a run, and what of it people will look at."""

    graph: Graph
    systems: list[PlannedSystem]
    translations: list[Translated]
    scans: Mapping[str, Stage]
    """Cropped scans: ``source``, ``target``, ``test``."""
    roi: list[float]
    """Lower, then upper fractions of the canonical axes."""
    scaled_over: list[float] | None
    """The same of the region that intensities are scaled over, if it is another."""
    members: Mapping[str, Members]
    """Of each system that uses models, what answers for any scan, by protocol and structure."""
    routes: Routes
    """Which protocols' models answer for a scan."""
    selections: Sequence[tuple[str, int, Stage]] = ()
    """Of rounds that select pseudo-labels: the model, the round, and where they are."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Systems that cannot be built, and why."""

    @property
    def answer(self) -> str | None:
        """The system whose segmentations a user should take; see ``answer_of``."""
        return answer_of(self.systems)


def answer_of(systems: Sequence[PlannedSystem]) -> str | None:
    """The system whose segmentations a user should take; None if there is none.

    The last that is not trained on target labels; one that is chosen by them was asked for.
    """
    last = (s.name for s in reversed(systems) if s.choice or not s.supervised)
    return next(last, None)


def plan(settings: Settings, dataset: Dataset, inventory: Inventory) -> Plan:
    """The stages of a run.

    Raises
    ------
    ConfigError
        If the systems speak of protocols or structures that the data set does not have.
    DataError
        If a system that was asked for cannot be built from this data set.
    """
    builder = Builder(settings, dataset, inventory)
    application = Application(builder, settings)
    request = settings.request
    planned, left_out = [], {}
    for system in settings.systems.system:
        if request.only and system.name not in request.only:
            continue
        reason = application.impossible(system)
        if reason and (system.name in request.only or (request.oracle and system.name == "oracle")):
            raise DataError(f"data set {dataset.name}: {reason}")
        if reason:
            left_out[system.name] = reason
        else:
            planned.append(application.build(system))
    if request.probabilities is not None:
        answer = answer_of(planned)
        planned = [
            application.with_probabilities(one, request.probabilities)
            if one.name == answer
            else one
            for one in planned
        ]
    graph = _until(request.until, builder, planned)
    kept = {stage.name for stage in graph}
    scans = {part: stage for part, stage in builder.crops.items() if stage.name in kept}
    translations = [t for t in builder.translated.values() if t.images.name in kept]
    planned = [p for p in planned if p.segmentations.name in kept]
    using = {name for one in planned for name in one.candidates or (one.name,)}
    members = {name: application.members(name) for name in sorted(using)}
    routes = application.segmented.routes
    regions = builder.roi, builder.translation_roi
    selections = [one for one in builder.selections() if one[2].name in kept]
    return Plan(
        graph, planned, translations, scans, *regions, members, routes, selections, left_out
    )


def _until(until: str, builder: Builder, planned: list[PlannedSystem]) -> Graph:
    if until == "score":
        return builder.graph
    if until == "check":
        return builder.graph.with_needed([])
    translated = builder.translated.values()
    last = {
        "translate": [one.images for one in translated],
        "train": builder.fits(),
        "segment": [
            stage
            for one in planned
            for stage in (one.segmentations, one.probabilities)
            if stage is not None
        ],
    }
    measured = [one.measured for one in translated if one.measured is not None]
    # What translations are looked at beside, though translators see a larger region.
    beside = [builder.crops[part] for part in ("source", "target") if part in builder.crops]
    return builder.graph.with_needed([*last[until], *measured, *beside])
