"""Where a run's results come from, in a few lines."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from past_core.pipeline.layout import STAGES
from past_core.pipeline.manifest import read_manifest

if TYPE_CHECKING:
    from past_core.pipeline import Run

__all__ = ["provenance_lines"]


def provenance_lines(run: Run) -> Iterator[str]:
    """The newest command, then with what stages were made, those alike together."""
    said = run.record
    command = said.get("command")
    yield f"command   {f'past-cli {shlex.join(command)}' if command else 'run from Python'}"
    yield f"data      {said.get('data') or run.folder / 'data'}"
    yield f"seed      {said.get('seed')}, on {said.get('device')}"
    stages = run.folder / STAGES
    manifests = {one.name: read_manifest(stages / one.folder) for one in run.stages()}
    groups: dict[str, list[str]] = {}
    for stage, manifest in manifests.items():
        if "versions" in manifest:
            groups.setdefault("\n".join(_made(manifest)), []).append(stage)
    for made, names in groups.items():
        yield f"{len(names)} stage{'' if len(names) == 1 else 's'} ({_few(names)}):"
        yield from made.splitlines()
    yield from _plugins(said.get("plugins", {}), [m.get("plugins", {}) for m in manifests.values()])


def _plugins(planned: Mapping[str, Any], made: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each plugin as stages were made with it, twice if its versions differ."""
    rest = {name: one for name, one in planned.items() if not any(name in each for each in made)}
    yield from dict.fromkeys(
        f"{name:<22} {one['distribution']} {one['version']}{_revision(one['revision'])}"
        for each in (*made, rest)
        for name, one in each.items()
    )


def _made(manifest: Mapping[str, Any]) -> Iterator[str]:
    versions = manifest["versions"]
    yield "  " + ", ".join(f"{name} {version}" for name, version in versions.items())
    machine = manifest.get("hardware")
    if machine is None:
        return
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    yield (
        f"  {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB{gpu}, "
        f"{machine['system']}; threads: {manifest.get('threads')}"
    )


def _revision(revision: Mapping[str, Any] | None) -> str:
    if revision is None:
        return ""
    return f", git {revision['commit'][:12]}{' with changes' if revision['dirty'] else ''}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
