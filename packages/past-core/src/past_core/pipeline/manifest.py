"""What a stage's manifest says, if there is one that can be relied upon."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from past_core.files import load_json
from past_core.pipeline.layout import MANIFEST

__all__ = ["finished_manifest", "read_manifest"]

ENTRIES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("stage", "function", "fingerprint"), str),
    **dict.fromkeys(("params", "inputs", "versions", "files"), dict),
    **dict.fromkeys(("wall_seconds", "peak_memory_mib"), (int, float)),
}
"""Of a finished stage's manifest."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a stage's folder; empty if there is none, or it says nothing.

    Raises
    ------
    OSError
        If the disk does not answer: then nobody knows what is there.
    """
    try:
        manifest = load_json(folder / MANIFEST)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}
    except ValueError:
        return {}
    return manifest if isinstance(manifest, dict) else {}


def finished_manifest(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """The manifest, if the stage of this fingerprint says that it is finished.

    Whether what it left is still there, ``outputs.changed`` tells.
    """
    manifest = read_manifest(folder)
    finished = manifest.get("finished") is True and manifest.get("fingerprint") == fingerprint
    return manifest if finished and _is_whole(manifest) else None


def _is_whole(manifest: Mapping[str, Any]) -> bool:
    """Whether all is there that is read of a finished stage's manifest."""
    return all(isinstance(manifest.get(key), kind) for key, kind in ENTRIES.items()) and all(
        isinstance(one, dict) and one.keys() >= {"size", "time", "sha256"}
        for one in manifest["files"].values()
    )
