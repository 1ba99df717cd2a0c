"""``past-cli pipeline``: everything in one command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from past_cli import completion
from past_cli.data_options import data_options, take_folders
from past_cli.metric_options import metric_options
from past_cli.systems import CHAIN

if TYPE_CHECKING:
    from past_cli.display import Display
    from past_core.pipeline import Request
    from past_core.plugins import Registry

__all__ = ["pipeline"]

UNTIL = ("check", "translate", "train", "segment", "score")


@click.command()
@data_options
@click.option(
    "--systems",
    default=CHAIN,
    show_default=True,
    shell_complete=completion.systems,
    metavar="NAME|FILE",
    help="What to build: chain, table1, routed, past2022, or a TOML file.",
)
@click.option(
    "--translator",
    metavar="NAME",
    shell_complete=completion.plugins_of("translator", "none"),
    help="Makes source scans look like the target's, or 'none'.  [default: nicegan]",
)
@click.option(
    "--segmenter",
    metavar="NAME",
    shell_complete=completion.plugins_of("segmenter"),
    help="The 3D segmenter.  [default: resunet]",
)
@click.option(
    "--strategy",
    metavar="NAME",
    shell_complete=completion.plugins_of("strategy", "none"),
    help="Chooses pseudo-labels, or 'none': no self-training.  [default: top-q]",
)
@click.option(
    "--rounds",
    type=click.IntRange(0, 20),
    help="Self-training rounds (K), a number.  [default: those of the systems, 2 of chain]",
)
@click.option(
    "--system",
    "only",
    multiple=True,
    metavar="NAME",
    help="Only this system. Repeatable.  [default: all]",
)
@click.option(
    "--until",
    type=click.Choice(UNTIL),
    default="score",
    show_default=True,
    help="Stop when this is done.",
)
@click.option(
    "--recipe",
    default="quick",
    show_default=True,
    shell_complete=completion.recipes,
    metavar="NAME|FILE",
    help="How large and how long: smoke, quick, long, paper, paper2022, or a TOML file.",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a setting, as in translator.iterations=500. Repeatable; past-cli plugins NAME "
    "lists settings.  [default: the recipe's]",
)
@click.option(
    "--choose-by",
    type=click.Choice(("figures", "validation")),
    help="What systems that choose go by: figures without labels, or the data set's validation "
    "scans, which makes them supervised.  [default: figures]",
)
@click.option(
    "--probabilities",
    type=click.Choice(("half", "8bit")),
    help="Also keep class probabilities of the system to take: half precision (.npz), or 8 bits "
    "(NIfTI).  [default: none]",
)
@metric_options
@click.option("--oracle", is_flag=True, help="Also train on target labels: the upper bound.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Run folder.  [default: under past-runs, named after the options]",
)
@click.option(
    "--other-data",
    is_flag=True,
    help="Go on in a run folder of another data set; what was trained on that one stays there.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="Compute on auto, cpu, cuda or cuda:N; auto is CUDA where there is a GPU.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="Stages at a time.  [default: 2 on a CPU of two cores or more, else 1]",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    help="Threads of each stage.  [default: its share of the cores]",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="All random numbers follow from it.",
)
@click.option(
    "--plan",
    is_flag=True,
    help="Only show the stages: which are finished, and what the others will cost.",
)
def pipeline(jobs: int | None, plan: bool, recipe: str, **options: Any) -> None:  # noqa: ANN401
    """Translate, train, self-train, segment and score.

    The same command again goes on where it was interrupted; what is finished is kept. With
    --systems chain, the default, --translator, --segmenter, --strategy and --rounds say what
    is built; with other systems they replace a plugin in them, or one of several by OLD=NEW.
    """
    from past_cli.display import Display  # noqa: PLC0415
    from past_core.pipeline import default_jobs  # noqa: PLC0415
    from past_core.plugins import Registry  # noqa: PLC0415

    request = _request(recipe, **options)
    registry, display = Registry(), Display()
    display.plugins(registry)
    jobs = jobs or default_jobs(request.device)
    if plan:
        _show_plan(request, registry, display, jobs)
    else:
        _run(request, registry, display, jobs)


def _request(recipe: str, systems: str, out: Path | None, **options: Any) -> Request:  # noqa: ANN401
    from past_cli.recipes import read_recipe  # noqa: PLC0415
    from past_cli.systems import find_systems  # noqa: PLC0415
    from past_core.pipeline import Request  # noqa: PLC0415

    name = _data_name(options)
    take_folders(options)
    folder = out or _default_folder(recipe, systems, name, options)
    return Request(
        folder,
        systems=find_systems(systems),
        recipe=read_recipe(recipe),
        command=tuple(sys.argv[1:]),
        **options,
    )


def _run(request: Request, registry: Registry, display: Display, jobs: int) -> None:
    from past_core.pipeline import Inline, Processes, run_pipeline  # noqa: PLC0415

    executor = Inline() if jobs == 1 else Processes(jobs, request.threads)
    with display, executor:
        run = run_pipeline(request, registry=registry, observer=display, executor=executor)
    display.finished(run)


def _show_plan(request: Request, registry: Registry, display: Display, jobs: int) -> None:
    from past_cli.calm import counted  # noqa: PLC0415
    from past_cli.tables import plan_table  # noqa: PLC0415
    from past_core.device import resolve_device  # noqa: PLC0415
    from past_core.pipeline import estimate, plan_pipeline, wall_seconds  # noqa: PLC0415

    with display:
        planned, finished = plan_pipeline(request, registry=registry, observer=display)
    graph, device = planned.graph, resolve_device(request.device)
    with counted(display.console, "calibrating"):
        costs = estimate(planned, finished, registry, device)
    display.console.print(plan_table(graph, finished, costs))
    minutes = {n: wall_seconds(graph, costs, n) / 60 for n in (1, jobs)}
    beside = f", {minutes[jobs]:.0f} with --jobs {jobs}" if jobs > 1 else ""
    display.console.print(
        f"{len(finished)} of {len(graph)} stages are finished; the others take about "
        f"{minutes[1]:.0f} minutes one after the other{beside}."
    )


def _data_name(options: dict[str, Any]) -> str:
    if options["source"] is not None and options["target"] is not None:
        return f"{options['source'].resolve().name}-to-{options['target'].resolve().name}"
    data: Path | None = options["data"]
    return "phantom" if data is None else data.resolve().name


def _default_folder(recipe: str, systems: str, name: str, options: dict[str, Any]) -> Path:
    what = Path(systems).stem
    if systems == CHAIN:
        what = f"{options['translator'] or 'nicegan'}-{options['segmenter'] or 'resunet'}"
    return Path("past-runs") / f"{name}-{what}-{Path(recipe).stem}-seed{options['seed']}"
