"""What this process computes with: versions of libraries, hardware, threads."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from past_core.device import usable_cores

__all__ = ["hardware", "threads", "versions"]

LIBRARIES = ("numpy", "scipy", "nibabel", "monai", "torch", "nnunetv2")
OWN = ("past-core", "past-gan", "past-seg", "past-selftrain", "past-cli")


@cache
def versions() -> dict[str, str]:
    """Versions that a result may depend on, of what is installed; nothing is imported for it."""
    found = {"python": platform.python_version()}
    for name in (*OWN, *LIBRARIES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def hardware(device: str) -> dict[str, Any]:
    """The machine, and the GPU if the device is one.

    Parameters
    ----------
    device
        ``cpu``, ``cuda`` or ``cuda:N``.
    """
    return {**_machine(), "gpu": _gpu(device)}


def threads() -> int:
    """Threads that numerical libraries use in this process."""
    if "torch" in sys.modules:
        return int(sys.modules["torch"].get_num_threads())
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) else usable_cores()


@cache
def _machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": _cpu(),
        "cores": usable_cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }


def _cpu() -> str:
    """The processor's model."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _gpu(device: str) -> str | None:
    """The GPU's model; only torch knows which one ``cuda:N`` is, and computed on it before."""
    if not device.startswith("cuda") or "torch" not in sys.modules:
        return None
    try:
        return str(sys.modules["torch"].cuda.get_device_name(device))
    except (RuntimeError, AssertionError, ValueError):
        return None
