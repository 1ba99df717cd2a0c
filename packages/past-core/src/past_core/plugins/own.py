"""Our own distributions, and what they provide."""

from __future__ import annotations

__all__ = ["OWN", "PROVIDED_BY"]

OWN = frozenset({"past-core", "past-gan", "past-seg", "past-selftrain"})
"""Our distributions."""

PROVIDED_BY = {
    ("translator", "nicegan"): "past-gan",
    ("translator", "cyclegan"): "past-gan",
    ("translator", "cut"): "past-gan",
    ("translator", "identity"): "past-gan",
    ("translator", "histogram"): "past-gan",
    ("translator", "fda"): "past-gan",
    ("segmenter", "nnunet"): "past-seg",
    ("segmenter", "resunet"): "past-seg",
    ("strategy", "top-q"): "past-selftrain",
    ("strategy", "cbst"): "past-selftrain",
    ("strategy", "agreement"): "past-selftrain",
    ("strategy", "mean-teacher"): "past-selftrain",
}
"""Plugins of our own distributions, for the error when theirs is not installed."""
