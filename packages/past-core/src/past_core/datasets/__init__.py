"""The data sets that past-core reads, and how a folder finds its reader."""

from past_core.datasets.opening import open_dataset, recognise

__all__ = ["open_dataset", "recognise"]
