"""Cloth manipulation: environments, planners, demonstrations; after HGCR-DDPG, arXiv:2502.11375.

Importing this package registers `regard/FoldDiagonal-v0`, `regard/FoldAxis-v0` and
`regard/Flatten-v0` with Gymnasium.
"""

from __future__ import annotations

from types import MappingProxyType

from gymnasium.envs.registration import register, registry

ENVIRONMENT_IDS = MappingProxyType(
    {
        "fold-diagonal": "regard/FoldDiagonal-v0",
        "fold-axis": "regard/FoldAxis-v0",
        "flatten": "regard/Flatten-v0",
    }
)
"""Gymnasium's name of each task."""

for _task, _id in ENVIRONMENT_IDS.items():
    if _id not in registry:
        register(
            id=_id,
            entry_point="regard.cloth.envs.cloth_env:ClothEnv",
            kwargs={"task": _task},
            disable_env_checker=True,
        )
