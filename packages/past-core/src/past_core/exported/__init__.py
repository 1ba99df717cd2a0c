"""A trained system that one keeps, moves and applies, without the run that it comes from."""

from past_core.exported.loading import load_system
from past_core.exported.system import LoadedSystem, Segmentation

__all__ = ["LoadedSystem", "Segmentation", "load_system"]
