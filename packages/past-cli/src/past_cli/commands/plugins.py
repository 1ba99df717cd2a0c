"""``past-cli plugins``: what is installed, who provides it, and what can be set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from past_cli.completion import any_plugin, recipes

if TYPE_CHECKING:
    from rich.console import Console

    from past_core.plugins import Registry

__all__ = ["plugins"]


@click.command()
@click.argument("name", required=False, shell_complete=any_plugin)
@click.option(
    "--recipe",
    default="quick",
    show_default=True,
    shell_complete=recipes,
    metavar="NAME|FILE",
    help="Whose values to show, with NAME: a recipe's name, or a TOML file.",
)
def plugins(name: str | None, recipe: str) -> None:
    """List plugins of all kinds, or the settings of one.

    Kinds are data sets, translators, segmenters, strategies, metrics and validators. With NAME,
    the settings of that plugin: what the recipe says of it, the defaults of the rest, and what
    each means. --set changes them.
    """
    from past_cli.console import new_console  # noqa: PLC0415
    from past_cli.tables import plugin_table  # noqa: PLC0415
    from past_core.plugins import Registry  # noqa: PLC0415

    registry = Registry()
    console = new_console()
    if name is None:
        console.print(plugin_table(registry))
    else:
        _settings(console, registry, name, recipe)
    for broken in registry.broken:
        console.print(
            f"{broken.distribution} {broken.version} failed to load: {broken.reason}",
            style="red",
            highlight=False,
        )


def _settings(console: Console, registry: Registry, name: str, recipe: str) -> None:
    from past_cli.recipes import read_recipe  # noqa: PLC0415
    from past_cli.setting_table import setting_table  # noqa: PLC0415
    from past_core.plugins import KINDS  # noqa: PLC0415

    kinds = [kind for kind in KINDS if name in [one.spec.name for one in registry.all(kind)]]
    if not kinds:
        raise click.UsageError(f"no plugin is named {name!r}. past-cli plugins lists all.")
    read = read_recipe(recipe)
    for kind in kinds:
        said = read.values(kind, name)
        config = registry.config(kind, name, said, f"{kind}.{name}")
        one = registry.find(kind, name)
        console.print(
            f"{kind} {name}, of {one.distribution} {one.version}: {one.spec.summary}",
            highlight=False,
        )
        console.print(setting_table(kind, config, said, recipe))
