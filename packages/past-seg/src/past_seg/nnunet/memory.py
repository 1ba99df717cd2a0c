"""Preprocessed cases, decompressed once as long as memory allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2

from past_seg.nnunet.voxel_weights import SUFFIX

__all__ = ["CasesInMemory", "Copied"]

MEMORY_FOR_CASES = 2 * 1024**3
"""Preprocessed cases are kept in memory up to this many bytes; the rest stay on disk."""


class Copied(np.ndarray[Any, Any]):
    """An array whose parts are copies: nnU-Net augments what it cuts out in place."""

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401  (numpy's own)
        return np.array(super().__getitem__(key))


class CasesInMemory(nnUNetDatasetBlosc2):  # type: ignore[misc]
    """nnU-Net's data set on disk, each case decompressed once as long as memory allows.

    Where any case has voxel weights, they are the second channel of every image.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (nnU-Net's own)
        super().__init__(*args, **kwargs)
        self._weighted = any(Path(self.source_folder).glob(f"*{SUFFIX}"))
        self._kept: dict[str, tuple[Any, ...]] = {}
        self._free = MEMORY_FOR_CASES

    def load_case(self, identifier: str) -> tuple[Any, ...]:
        """Image, label, earlier stage and properties of a case, as nnU-Net hands them out."""
        if identifier not in self._kept:
            data, seg, previous, properties = super().load_case(identifier)
            if self._weighted:
                data = np.concatenate([data[:], self._weights(identifier, data.shape)])
            if (size := data.nbytes + seg.nbytes) > self._free:
                return data, seg, previous, properties
            self._free -= size
            arrays = (data[:].view(Copied), seg[:].view(Copied))
            self._kept[identifier] = (*arrays, previous, properties)
        return self._kept[identifier]

    def _weights(self, identifier: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """A case's weights - 1; of one that has none, of full weight."""
        path = Path(self.source_folder) / f"{identifier}{SUFFIX}"
        return np.load(path) if path.exists() else np.zeros(shape, np.float16)
