"""``past-cli systems``: the systems files that come along."""

from __future__ import annotations

import click

from past_cli import completion

__all__ = ["systems"]


@click.command()
@click.argument("name", required=False, shell_complete=completion.systems)
def systems(name: str | None) -> None:
    """List the built-in systems, or print some.

    Those of NAME are printed as a systems file, to start one of your own from.
    """
    from past_cli.systems import find_systems, systems_named  # noqa: PLC0415
    from past_core.pipeline import chain, dump_systems  # noqa: PLC0415

    if name is not None:
        click.echo(dump_systems(find_systems(name) or chain()), nl=False)
        return
    for one in systems_named():
        content = find_systems(one) or chain()
        click.echo(f"{one:<10} {content.summary}")
        click.echo(f"{'':<10} {', '.join(system.name for system in content.system)}")
