"""Which cells of a marked patch a tool has wiped, read from its contacts."""

from __future__ import annotations

import mujoco
import numpy as np

from regard.world.physics import Contacts, Physics

CELL_M = 0.02
MIN_FORCE_N = 1.0
MAX_FORCE_N = 15.0
WIPED_SHARE = 0.8


class WipeRecord:
    """Cells of 2 cm; one is wiped when the tool's contact covers it with 1 to 15 N."""

    def __init__(self, physics: Physics, contacts: Contacts, *, spot: str, tool: str) -> None:
        """Begins with nothing wiped.

        Args:
            physics: The world.
            contacts: Its contacts.
            spot: Site of the patch, a box; its half sizes are those of the patch.
            tool: The object that wipes.
        """
        self._physics = physics
        self._contacts = contacts
        self._tool = tool
        self._pose = physics.site_pose(spot)
        half = physics.site_size(spot)[:2]
        counts = np.maximum(1, np.round(2 * half / CELL_M).astype(int))
        axes = [
            (np.arange(count) + 0.5) * 2 * size / count - size
            for count, size in zip(counts, half, strict=True)
        ]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        self._cells = grid
        self._is_wiped = np.zeros(len(grid), dtype=bool)
        self.force_n = 0.0
        """Normal force at the last look."""
        self.highest_force_n = 0.0
        """Highest normal force so far."""

    @property
    def share(self) -> float:
        """Share of the cells that were wiped."""
        return float(self._is_wiped.mean())

    def look(self) -> None:
        """Takes the contacts of this moment."""
        points, self.force_n = self._contact_points()
        self.highest_force_n = max(self.highest_force_n, self.force_n)
        if len(points) == 0 or not MIN_FORCE_N <= self.force_n <= MAX_FORCE_N:
            return
        local = ((points - self._pose.position_m) @ self._pose.rotation)[:, :2]
        low, high = local.min(axis=0) - CELL_M / 2, local.max(axis=0) + CELL_M / 2
        # The corners of the contact span it: the box between them is what the tool covers.
        self._is_wiped |= np.all((self._cells >= low) & (self._cells <= high), axis=1)

    def _contact_points(self) -> tuple[np.ndarray, float]:
        data, model = self._physics.data, self._physics.model
        points, total, wrench = [], 0.0, np.zeros(6)
        for index in self._contacts.between((f"{self._tool}/",), ("table",)):
            mujoco.mj_contactForce(model, data, index, wrench)
            if wrench[0] > 0.05:
                points.append(data.contact.pos[index].copy())
                total += float(wrench[0])
        return np.array(points), total
