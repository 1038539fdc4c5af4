"""Programmatic dependent launch: a kernel begins while the one ahead in the stream still ends.

A kernel launched so must call `gdc_wait` before it reads what others wrote, or writes anything:
then all that came before has ended.
"""

import torch

HOPPER = (9, 0)


def can_overlap(device: torch.device) -> bool:
    """Whether the GPU knows it."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= HOPPER
