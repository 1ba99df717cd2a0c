"""Open a system to apply it: a run folder, an exported folder, or a zip file of one."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from past_core.device import resolve_device
from past_core.errors import DataError
from past_core.exported.archive import extract
from past_core.exported.description import DESCRIPTION, MOST, Description, parse_json
from past_core.exported.of_run import describe, is_run
from past_core.exported.system import LoadedSystem
from past_core.files import file_hash
from past_core.pipeline.opened import open_run
from past_core.plugins import Registry

__all__ = ["load_system"]


def load_system(
    path: str | Path,
    *,
    system: str | None = None,
    device: str = "auto",
    registry: Registry | None = None,
) -> LoadedSystem:
    """Open a trained system.

    ::

        from past_core import load_system

        model = load_system("model.zip")
        model.segment("scan.nii.gz").save("segmentation.nii.gz")

    Nothing in the files is run as code, and no path that they contain is followed: the names of
    files are checked, and every file has the size and hash that it was exported with.

    Parameters
    ----------
    path
        What ``past-cli export`` wrote, a folder or a zip file; or a run folder.
    system
        Of a run folder the system; by default the one that the run says to take.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    registry
        The plugins; by default all that are installed.

    Raises
    ------
    DataError
        If it is none of these, damaged, or altered.
    PluginError
        If a segmenter that it needs is not installed.
    """
    path, registry = Path(path), registry or Registry()
    scratch = None
    if path.is_dir() and is_run(path):
        description, folders = describe(open_run(path), system)
    else:
        if system is not None:
            raise DataError(f"{path}: --system is for run folders; this is one system already.")
        if path.is_file():
            scratch = Path(tempfile.mkdtemp(prefix="past-system-"))
        try:
            if scratch is not None:
                extract(path, scratch)
            description, folders = _exported(scratch or path)
        except BaseException:
            _discard(scratch)
            raise
    for member in description.members.values():
        registry.find("segmenter", member.plugin.name)
    loaded = LoadedSystem(description, folders, resolve_device(device), registry)
    weakref.finalize(loaded, _discard, scratch)
    return loaded


def read_description(folder: Path) -> Description:
    """Read ``system.json``.

    Raises
    ------
    DataError
        If it is missing, too large, or not what ``export`` writes.
    """
    path = folder / DESCRIPTION
    if path.is_symlink() or not path.is_file():
        raise DataError(
            f"{folder}: no {DESCRIPTION} is here. Name a folder or zip file that past-cli export "
            "wrote, or a run folder."
        )
    if path.stat().st_size > MOST:
        raise DataError(f"{path}: {path.stat().st_size} bytes are too many for a description.")
    return parse_json(path.read_bytes(), str(path))


def _exported(folder: Path) -> tuple[Description, dict[str, Path]]:
    """A description, and its members' folders once all their files were found to be right."""
    description = read_description(folder)
    for name, member in description.members.items():
        if not member.files:
            raise DataError(f"{folder / DESCRIPTION}: member {name} has no files.")
        for file, known in member.files.items():
            _require(folder / name / file, known.size, known.sha256)
    return description, {name: folder / name for name in description.members}


def _require(path: Path, size: int, sha256: str) -> None:
    if path.is_symlink() or path.parent.is_symlink():
        raise DataError(f"{path}: a link, which an exported system never has. Export it again.")
    if not path.is_file():
        raise DataError(f"{path}: no such file. Copy the exported system again.")
    if path.stat().st_size != size or file_hash(path) != sha256:
        raise DataError(
            f"{path}: not the file that was exported (truncated or replaced). Copy the exported "
            "system again."
        )


def _discard(scratch: Path | None) -> None:
    if scratch is not None:
        shutil.rmtree(scratch, ignore_errors=True)
