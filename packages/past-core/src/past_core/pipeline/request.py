"""What a user asks for, in words: the input of ``run_pipeline``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from past_core.pipeline.systems import Systems
from past_core.pipeline.tables import ChooseBy
from past_core.probabilities import Precision
from past_core.recipe import Recipe

__all__ = ["NONE", "Request", "Until"]

NONE = "none"
"""In a plugin's place: do without one."""

Until = Literal["check", "translate", "train", "segment", "score"]


@dataclass(frozen=True)
class Request:
    """A run as it is asked for; everything has a default but the folder.

    With nothing else said, the chain of nicegan, resunet and top-q runs on the phantom.
    """

    folder: Path
    """The run folder; without data, the phantom is made in it."""
    systems: Systems | None = None
    """None: the chain of one translator and one segmenter."""
    translator: str | None = None
    """``nicegan``, or ``none``; with a systems file, what takes its translator's place, or
    ``old=new`` for one of several."""
    segmenter: str | None = None
    """Likewise."""
    strategy: str | None = None
    """Likewise; ``none`` leaves self-training out."""
    rounds: int | None = None
    """K, in place of the number of rounds that the systems have."""
    only: tuple[str, ...] = ()
    """Systems to build; all, if none are named."""
    choose_by: ChooseBy | None = None
    """What systems that choose go by, in place of what they say."""
    metrics: tuple[str, ...] = ()
    """Plugins that score, or ``all``; none named: those that are meant to by default."""
    scoring: str | None = None
    """Metrics and their settings as a challenge has them (``past_core.metrics.official``)."""
    probabilities: Precision | None = None
    """Also keep class probabilities of the system that the run says to take."""
    until: Until = "score"
    """Where to stop."""
    oracle: bool = False
    """Also train on target labels: the upper bound."""
    recipe: Recipe = field(default_factory=Recipe)
    """How large and how long."""
    assignments: tuple[str, ...] = ()
    """``key=value`` settings on top of everything else."""
    data: Path | None = None
    """Folder of the data set; None: the phantom."""
    dataset: str | None = None
    """Name of the reader; by default the one that recognises ``data``."""
    other_data: bool = False
    """Whether ``folder`` may hold a run on another data set, whose place this one takes."""
    seed: int = 0
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``."""
    threads: int | None = None
    """Threads a stage computes with; None: as the libraries choose. For the record too."""
    command: tuple[str, ...] = ()
    """The command line, for the record."""
