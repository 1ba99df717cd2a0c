"""The device that a run computes on, and how many threads it uses there."""

from __future__ import annotations

import ctypes
import os
import re
import sys

from past_core.errors import ConfigError

__all__ = [
    "check_device",
    "has_bfloat16",
    "require_cores",
    "resolve_device",
    "set_threads",
    "usable_cores",
]


def check_device(device: str) -> None:
    """Make sure that this machine has the device, before anything is computed on it.

    Parameters
    ----------
    device
        ``cpu``, ``cuda`` (the first GPU) or ``cuda:N``.

    Raises
    ------
    ConfigError
        If the name is none of these, or torch finds no such GPU.
    """
    if device == "cpu":
        return
    name = re.fullmatch(r"cuda(?::(\d+))?", device)
    if name is None:
        raise ConfigError(f"device '{device}' is neither auto, cpu, cuda nor cuda:N.")
    try:
        import torch  # noqa: PLC0415  (only a GPU needs it here; core runs without)
    except ImportError as error:
        raise ConfigError(f"device '{device}' needs torch: pip install torch.") from error
    found = torch.cuda.device_count()
    if int(name[1] or 0) >= found:
        raise ConfigError(
            f"device '{device}' is not there: torch {torch.__version__} finds {found} GPU(s). "
            "Use --device cpu, or install a torch built for this machine's CUDA."
        )


def has_bfloat16(device: str) -> bool:
    """Whether the device multiplies bfloat16 in hardware; emulated, it is slower than float32.

    Parameters
    ----------
    device
        ``cpu``, ``cuda`` or ``cuda:N``; it must be there.
    """
    import torch  # noqa: PLC0415  (only plugins that compute with torch ask)

    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    native = torch.cpu.get_capabilities()
    return bool(native.get("amx_bf16") or native.get("avx512_bf16"))


def resolve_device(device: str) -> str:
    """The device that a user's word means: ``auto`` is CUDA where there is one, else the CPU.

    Raises
    ------
    ConfigError
        If the device is not there: see ``check_device``.
    """
    if device == "auto":
        return "cuda" if _has_driver() and _torch_finds_gpu() else "cpu"
    check_device(device)
    return device


def require_cores(count: int, what: str) -> None:
    """Refuse more processes or threads than any use of this machine could have.

    Parameters
    ----------
    what
        The option that asks for them.

    Raises
    ------
    ConfigError
        If there are more than 64, and more than cores.
    """
    cores = os.cpu_count() or 1
    if count > max(64, cores):
        raise ConfigError(f"{what} {count}: this machine has {cores} cores. Ask for so many.")


def set_threads(threads: int) -> None:
    """Let numerical libraries use so many threads in this process and those it starts.

    Those that are loaded later read it from the environment; torch, if it is loaded, is told.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _has_driver() -> bool:
    """Whether CUDA's driver is installed: without it, seconds of importing torch are spared."""
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def _torch_finds_gpu() -> bool:
    try:
        import torch  # noqa: PLC0415
    except ImportError:
        return False
    return bool(torch.cuda.device_count())


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
