"""The device that a run computes on."""

from __future__ import annotations

import re

from past_core.errors import ConfigError

__all__ = ["check_device", "has_bfloat16"]


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
        raise ConfigError(f"device '{device}' is neither cpu, cuda nor cuda:N.")
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
