"""``past-cli plugins``: what is installed, and who provides it."""

from __future__ import annotations

import click

__all__ = ["plugins"]


@click.command()
def plugins() -> None:
    """List data sets, translators, segmenters, strategies and metrics."""
    from past_cli.console import new_console  # noqa: PLC0415
    from past_cli.tables import plugin_table  # noqa: PLC0415
    from past_core.plugins import Registry  # noqa: PLC0415

    registry = Registry()
    console = new_console()
    console.print(plugin_table(registry))
    for broken in registry.broken:
        console.print(
            f"{broken.distribution} {broken.version} failed to load: {broken.reason}",
            style="red",
            highlight=False,
        )
