"""The git revision of a package that is used from its source checkout."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["revision_of"]

PATIENCE = 1.0
"""Seconds to wait for git, which may have to ask a slow file system; then the revision stays
unknown."""
INSTALLED = {"site-packages", "dist-packages"}
"""Folders of installed packages: a repository around them is not theirs."""


def revision_of(package: str, distribution_name: str) -> dict[str, Any] | None:
    """``commit``, and whether the package is ``dirty``: changed since; None if nobody knows.

    A package that was installed from a repository's address has that commit.

    Parameters
    ----------
    package
        Its importable name; of ``a.b`` that of ``a`` is meant.
    distribution_name
        What it is installed as.
    """
    folder = _folder(package.partition(".")[0])
    if folder is not None and not INSTALLED & set(folder.parts) and _in_repository(folder):
        return _checked_out(folder)
    return _installed_from(distribution_name)


def _folder(package: str) -> Path | None:
    """Where a package's modules lie; it is not imported."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    places = [*(spec.submodule_search_locations or ())] or [str(Path(spec.origin or "").parent)]
    return Path(places[0]).resolve()


def _in_repository(folder: Path) -> bool:
    return any((place / ".git").exists() for place in (folder, *folder.parents))


def _checked_out(folder: Path) -> dict[str, Any] | None:
    """What git says of a folder; None without git, or if it does not answer."""
    command = ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch"]
    command += ["--untracked-files=normal", "--", ".", ":(exclude,glob)**/__pycache__/**"]
    # An index that is only looked at is not written.
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=True,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    commits = [line.split()[-1] for line in lines if line.startswith("# branch.oid ")]
    if not commits or commits[0] == "(initial)":
        return None
    return {"commit": commits[0], "dirty": any(not line.startswith("#") for line in lines)}


def _installed_from(name: str) -> dict[str, Any] | None:
    """The commit that an installer noted (PEP 610)."""
    try:
        noted = json.loads(distribution(name).read_text("direct_url.json") or "{}")
        return {"commit": str(noted["vcs_info"]["commit_id"]), "dirty": False}
    except (PackageNotFoundError, ValueError, LookupError, TypeError, OSError):
        return None
