"""What a row's name says of its configuration and its GPUs."""

from benchmarks.serving.slice.config import SliceConfig


def suffix(config: SliceConfig, device: str) -> str:
    """What sets a row apart from the bare name."""
    return device_suffix(device) + kind_of(config)


def device_suffix(device: str) -> str:
    """What sets GPUs apart from H100s."""
    return "" if "H100" in device else f"/{device.split()[-1].lower()}"


def kind_of(config: SliceConfig) -> str:
    """What sets a configuration apart from the plain case, its size aside."""
    parts = []
    if config.balanced:
        parts.append("balanced")
    if config.wire_bytes_per_second == 0:
        parts.append("nvlink")
    elif config.wire_bytes_per_second != 50e9:
        parts.append(f"{config.wire_bytes_per_second / 1e9:.0f}GBps")
    if config.in_server_bytes_per_second:
        parts.append("in-server")
    if config.context != 4096:
        parts.append(f"{config.context // 1024}k")
    if config.baseline:
        parts.append("baseline")
    return "".join(f"/{part}" for part in parts)
