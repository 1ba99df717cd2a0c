"""Readers open a folder on disk as a data set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from past_core.config import PluginConfig
    from past_core.dataset import Dataset

__all__ = ["DatasetReader"]


class DatasetReader(ABC):
    """Knows one layout of files, constructed with its validated configuration."""

    def __init__(self, config: PluginConfig) -> None:
        self.config = config

    @abstractmethod
    def recognises(self, folder: Path) -> bool:
        """Whether ``folder`` has this layout; must be quick and never raise."""

    @abstractmethod
    def open(self, folder: Path) -> Dataset:
        """List the cases of ``folder``; voxels are read by ``Dataset.check``.

        Raises
        ------
        past_core.errors.DataError
            If files are missing or do not fit the layout, naming them all.
        """
