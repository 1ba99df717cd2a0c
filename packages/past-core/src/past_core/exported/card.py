"""The model card of an exported system, in Markdown: what it is, what it was seen to do."""

from __future__ import annotations

import math
from collections.abc import Iterator

from past_core.exported.description import Description
from past_core.scoring import VALIDATION

__all__ = ["model_card"]


def model_card(system: Description) -> str:
    """Write the card from the description alone."""
    return "\n".join(_lines(system)) + "\n"


def _lines(system: Description) -> Iterator[str]:
    said = system.provenance
    taken = f", which took `{system.chosen}`" if system.chosen else ""
    yield f"# {system.system} for {said.get('dataset', 'an unnamed data set')}"
    yield ""
    yield f"A 3D segmenter of {', '.join(system.structures)}, trained by PAST: system"
    yield f"`{system.system}`{taken}, of {len(system.members)} trained model(s)."
    yield ""
    yield "```"
    yield "past-cli predict THIS_FOLDER SCANS SEGMENTATIONS"
    yield "```"
    yield ""
    yield "needs the packages past-core, past-cli and those of its segmenters:"
    segmenters = {(one.plugin.name, one.plugin.version) for one in system.members.values()}
    yield from (f"`{name}` ({version})." for name, version in sorted(segmenters))
    yield ""
    yield from _training(system)
    yield from _scores(system)
    yield from _volumes(system)
    yield "## Limits"
    yield ""
    yield "It knows the target contrast, the protocols and the anatomy that it was trained on, and"
    yield "nothing else: scans of other scanners, ages or diseases may be segmented wrongly without"
    yield "a word. Not a medical device."


def _training(system: Description) -> Iterator[str]:
    said = system.provenance
    scans = said.get("scans", {})
    yield "## Training"
    yield ""
    yield f"{scans.get('source', 0)} labelled source scans, {scans.get('target', 0)} target scans;"
    if said.get("sees_target_labels"):
        yield "**labels of target scans decided**: a model saw them, or validation scans chose."
    else:
        yield "no label of a target scan was used."
    protocols = [name for name in system.answers if name != "all"]
    if protocols:
        yield f"Protocols of the target: {', '.join(protocols)}; another scan's is told by"
        yield f"{system.protocols.rule.by}."
    yield f"Seed {said.get('seed')}; versions:"
    yield ", ".join(f"{name} {version}" for name, version in said.get("versions", {}).items()) + "."
    yield f"Inventory of the data: SHA-256 `{said.get('inventory_sha256')}`."
    yield ""


def _scores(system: Description) -> Iterator[str]:
    yield "## What it was seen to do"
    yield ""
    scores = system.provenance.get("scores", [])
    if scores:
        yield "| part | structure | metric | mean | sd | scans |"
        yield "|---|---|---|---|---|---|"
        for one in scores:
            cells = (one["part"], one["structure"], one["metric"], _number(one["mean"]))
            yield f"| {' | '.join(cells)} | {_number(one['sd'])} | {one['scans']} |"
    else:
        yield "No scan with a label was there to score it by."
    figures = system.provenance.get("chosen_by", {})
    if scores and any(name.startswith(f"{VALIDATION} ") for name in figures):
        yield ""
        yield "The scans of the part validation chose it: on others it will be worse."
    if figures:
        yield ""
        yield "Chosen among the run's systems by its figures on target scans: "
        yield ", ".join(f"{name} {value:.3f}" for name, value in figures.items()) + "."
    yield ""


def _volumes(system: Description) -> Iterator[str]:
    if not system.volumes:
        return
    yield "## Volumes of structures in the source's labels"
    yield ""
    yield "| structure | least ml | median | greatest | scans |"
    yield "|---|---|---|---|---|"
    for name, one in system.volumes.items():
        yield f"| {name} | {one.low:.3g} | {one.median:.3g} | {one.high:.3g} | {one.scans} |"
    yield ""


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.3f}"
