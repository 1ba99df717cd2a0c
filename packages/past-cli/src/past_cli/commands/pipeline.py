"""``past-cli pipeline``: the whole chain in one command."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["pipeline"]


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the data set. Without it the built-in phantom is made and used.",
)
@click.option("--dataset", help="Layout of the data set; by default it is recognised.")
@click.option("--translator", default="nicegan", show_default=True, help="Source to target.")
@click.option("--segmenter", default="resunet", show_default=True, help="The 3D segmenter.")
@click.option(
    "--strategy", default="top-q", show_default=True, help="Pseudo-labels; 'none' for none."
)
@click.option("--rounds", type=click.IntRange(0, 20), help="Self-training rounds (K).")
@click.option(
    "--recipe",
    default="quick",
    show_default=True,
    help="Settings: smoke, quick, long, or a TOML file.",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a setting, as in translator.iterations=500. Repeatable.",
)
@click.option("--oracle", is_flag=True, help="Also train on target labels: the upper bound.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Run folder; by default under past-runs, named after the options.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def pipeline(  # noqa: PLR0917
    data: Path | None,
    dataset: str | None,
    translator: str,
    segmenter: str,
    strategy: str,
    rounds: int | None,
    recipe: str,
    assignments: tuple[str, ...],
    oracle: bool,
    out: Path | None,
    device: str,
    seed: int,
) -> None:
    """Translate, train, self-train, segment and score.

    The same command again goes on where it was interrupted; what is finished is kept.
    """
    from past_cli.display import Display  # noqa: PLC0415
    from past_cli.panels import draw_panels  # noqa: PLC0415
    from past_cli.recipes import find_recipe  # noqa: PLC0415
    from past_core.pipeline import Request, resolve, run_pipeline  # noqa: PLC0415
    from past_core.plugins import Registry  # noqa: PLC0415
    from past_core.recipe import load_recipe  # noqa: PLC0415

    registry = Registry()
    request = Request(
        translator=translator,
        segmenter=segmenter,
        strategy=None if strategy == "none" else strategy,
        recipe=load_recipe(find_recipe(recipe)),
        folder=out or _default_folder(data, translator, segmenter, recipe, seed),
        data=data,
        dataset=dataset,
        assignments=assignments,
        rounds=rounds,
        oracle=oracle,
        seed=seed,
        device=device,
    )
    display = Display()
    display.plugins(registry)
    with display.step("check"):
        settings, opened = resolve(request, registry)
    with display:
        result = run_pipeline(settings, opened, request.folder, registry, display)
    with display.step("draw"):
        panels = draw_panels(settings, opened, request.folder)
    display.quality(request.folder, translator, opened.labels.structures)
    display.summary(result, panels)


def _default_folder(
    data: Path | None, translator: str, segmenter: str, recipe: str, seed: int
) -> Path:
    name = "phantom" if data is None else data.resolve().name
    return Path("past-runs") / f"{name}-{translator}-{segmenter}-{Path(recipe).stem}-seed{seed}"
