"""Where a run's results come from, in a few lines."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from past_core.pipeline.execute import read_manifest
from past_core.pipeline.layout import STAGES

if TYPE_CHECKING:
    from past_core.pipeline import Run

__all__ = ["provenance_lines"]


def provenance_lines(run: Run) -> Iterator[str]:
    """The newest command, then with what stages were made, those alike together."""
    said = run.record
    yield f"command   past-cli {shlex.join(said.get('command', ()))}"
    yield f"data      {said.get('data') or run.folder / 'data'}"
    yield f"seed      {said.get('seed')}, on {said.get('device')}"
    groups: dict[str, list[str]] = {}
    for stage in run.stages():
        manifest = read_manifest(run.folder / STAGES / stage.folder)
        if "versions" in manifest:
            groups.setdefault("\n".join(_made(manifest)), []).append(stage.name)
    for made, stages in groups.items():
        yield f"{len(stages)} stage{'' if len(stages) == 1 else 's'} ({_few(stages)}):"
        yield from made.splitlines()
    plugins: dict[str, dict[str, Any]] = {}
    for stage in run.stages():
        plugins |= read_manifest(run.folder / STAGES / stage.folder).get("plugins", {})
    for name, one in (said.get("plugins", {}) | plugins).items():
        yield f"{name:<22} {one['distribution']} {one['version']}{_revision(one['revision'])}"


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
