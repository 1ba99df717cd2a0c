"""``past-cli`` with the toy plugins and no others, in processes of its own that can be killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from past_core.datasets.phantom.config import PhantomConfig
from past_core.datasets.phantom.dataset import write_phantom

PHANTOM = {"source": 2, "target": 4, "validation": 2, "test": 2, "matrix": 56, "slices": 8}
"""So many scans that every kind of stage has some."""

SYSTEMS = """
summary = "Every kind of stage."

[[translation]]
name = "aligned"
translator = "gauged"

[[model]]
name = "plain"
segmenter = "bayes"
images = [{ from = "source" }]

[[model]]
name = "adapted"
segmenter = "bayes"
images = [{ from = "aligned", copies = 1 }]

[[model.round]]
strategy = "keep"
settings = { doubt = 0.5 }
images = [{ from = "aligned", labels = "keep" }, { from = "target" }]

[[model]]
name = "upper"
segmenter = "bayes"
images = [{ from = "aligned" }]

[[model.round]]
strategy = "keep"
settings = { doubt = 0.5 }
images = [{ from = "target", labels = "corrected" }]

[[system]]
name = "plain"
use = "plain"

[[system]]
name = "st1"
use = "adapted"

[[system]]
name = "upper"
use = "upper"

[[system]]
name = "validated"
choose = ["plain", "st1"]
by = "validation"
metric = "iou"

[[system]]
name = "final"
choose = ["plain", "st1"]
"""

REAL = ("past_gan.nicegan.translator", "past_seg.nnunet.segmenter")

FORKING = multiprocessing.get_context("forkserver")
"""Most of a toy command's time would go to imports; processes forked after them are spared."""
FORKING.set_forkserver_preload(
    [
        "tests.faults.commands",
        "tests.faults.toy_command",
        "past_core.pipeline",
        "past_cli.panels",
        "past_cli.report",
        "past_cli.display",
        *("past_core.pipeline.work.check", "past_core.pipeline.work.crop"),
        *("past_core.pipeline.work.choose", "past_core.pipeline.work.combine"),
        *("past_core.pipeline.work.selftrain", "past_core.pipeline.work.translate"),
        *("past_core.pipeline.work.segment", "past_core.pipeline.work.score"),
        *("past_core.validators.affine", "matplotlib.backends.backend_agg"),
        *(() if "PAST_FAULTS_REAL" not in os.environ else REAL),
    ]
)

PATIENCE = 600
"""Seconds that a command may take, whatever was done to it."""

Prepare = Callable[[], None]
"""Called in the command's process before the command."""


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed."""

    code: int
    text: str


@dataclass
class Toy:
    """A place with a data set and a command on it."""

    place: Path
    data: Path
    name: str = "run"
    more: tuple[str, ...] = ()
    jobs: int = 1
    command: tuple[str, ...] = field(init=False)
    toys: bool = True
    """Whether the plugins are toys, or those that are installed."""

    def __post_init__(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        self.command = (*self.arguments(), "--device", "cpu", "--out", str(self.run), *self.more)

    def arguments(self) -> tuple[str, ...]:
        """The command but for what all have."""
        systems, recipe = self.place / "systems.toml", self.place / "recipe.toml"
        systems.write_text(SYSTEMS)
        recipe.write_text('summary = "Of toys."\n')
        return (
            *("past-cli", "pipeline", "--data", str(self.data), "--systems", str(systems)),
            *("--recipe", str(recipe), "--metric", "iou", "--probabilities", "half"),
        )

    @property
    def run(self) -> Path:
        return self.place / self.name

    @property
    def stages(self) -> Path:
        return self.run / "stages"

    @property
    def printed(self) -> Path:
        """Outside of the run folder, which may be full."""
        return self.data.parent / "printed.txt"

    def start(self, prepare: Prepare | None = None, jobs: int | None = None) -> Command:
        """Begin the command."""
        arguments = [*self.command, "--jobs", str(jobs or self.jobs)]
        return Command(arguments, self.place, self.printed, prepare, toys=self.toys)

    def go(self, prepare: Prepare | None = None, jobs: int | None = None) -> Said:
        """Do the command."""
        return self.start(prepare, jobs).ended()

    def say(self, *arguments: str) -> Said:
        """Do another command."""
        return Command(
            ["past-cli", *arguments], self.place, self.printed, None, toys=self.toys
        ).ended()

    def table(self) -> bytes:
        return (self.run / "scores.csv").read_bytes()


class Command:
    """A command under way, in a session of its own."""

    def __init__(
        self,
        arguments: list[str],
        cwd: Path,
        printed: Path,
        prepare: Prepare | None,
        *,
        toys: bool,
    ) -> None:
        from tests.faults.toy_command import be_command

        self.printed = printed
        printed.write_text("")
        self.process = FORKING.Process(
            target=be_command, args=(arguments, str(cwd), str(printed), prepare, toys)
        )
        self.process.start()

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        """Whether it came true before the command ended."""
        deadline = time.monotonic() + PATIENCE
        while self.process.is_alive():
            if condition():
                return True
            assert time.monotonic() < deadline, self.printed.read_text()
            time.sleep(0.001)
        return False

    def signal(self, number: signal.Signals, *, to_all: bool) -> None:
        """Send it to the command's process, or to its workers as well."""
        if to_all:
            os.killpg(self.process.pid, number)
        else:
            os.kill(self.process.pid, number)

    def ended(self) -> Said:
        """Wait for the end."""
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, f"it does not end: {self.printed.read_text()}"
        return Said(self.process.exitcode, self.printed.read_text())


def make_data(folder: Path) -> Path:
    """The phantom of the toy commands."""
    write_phantom(folder, PhantomConfig(**PHANTOM))
    return folder


def fresh(toy: Toy, name: str) -> Toy:
    """The same command with another run folder."""
    return replace(toy, name=name)
