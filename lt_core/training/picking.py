"""Which device and which precision a run computes in."""

from __future__ import annotations

import torch

from lt_core.problems import Problem

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def pick_device(wanted: str) -> torch.device:
    """Return the device: for ``auto`` CUDA if there, else MPS, else the CPU; raise ``Problem`` for one that is not."""
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted != "auto" and not have[wanted]:
        raise Problem(f"this machine has no {wanted} device: use device=auto")
    return torch.device(next(name for name, there in have.items() if there) if wanted == "auto" else wanted)


def pick_precision(wanted: str, device: torch.device) -> torch.dtype | None:
    """Return the half precision for ``wanted`` on ``device``, None for float32.

    ``auto`` is bfloat16 on a CUDA device that computes in it, and float32 anywhere else. Raises ``Problem`` for
    float16 without a CUDA device: there it is slow, and has no scaler.
    """
    if wanted == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else None
    if wanted == "float16" and device.type != "cuda":
        raise Problem("float16 wants a CUDA device: use precision=auto")
    return DTYPES.get(wanted)
