"""Where a result comes from: the command, and the plugins with version and git revision."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from past_core.pipeline.revision import revision_of
from past_core.plugins import Registry

__all__ = ["Origin"]


class Origin:
    """Of one run; what git must be asked is asked once.

    None of it is in fingerprints: a new library trains nothing again.
    """

    def __init__(self, registry: Registry, command: Iterable[str]) -> None:
        self.command = list(command)
        self._registry = registry
        self._revision = cache(revision_of)

    def plugins(self, used: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """Distribution, version and revision of plugins.

        Parameters
        ----------
        used
            Their kinds and names.

        Returns
        -------
        dict
            By ``kind name``.
        """
        return {f"{kind} {name}": self._plugin(kind, name) for kind, name in dict.fromkeys(used)}

    def _plugin(self, kind: str, name: str) -> dict[str, Any]:
        found = self._registry.find(kind, name)
        package = found.spec.factory.partition(".")[0].partition(":")[0]
        return {
            "distribution": found.distribution,
            "version": found.version,
            "revision": self._revision(package, found.distribution),
        }
