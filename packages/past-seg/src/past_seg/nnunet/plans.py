"""What is read from nnU-Net's plans without its planners, which take seconds to import."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from past_seg.nnunet.folders import Json

__all__ = ["configuration_name"]


def configuration_name(plans: Json) -> str:
    """Name of the one configuration that plans of this project hold."""
    (name,) = plans["configurations"]
    return str(name)
