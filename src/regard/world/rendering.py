"""Pictures of a scene, drawn on a CPU without a screen."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

import mujoco
import numpy as np
from numpy.typing import NDArray

from regard.common.errors import UserError
from regard.world.gl_context import open_context

MAX_GEOMS = 4000
HELPER_GROUPS = (3, 4)
"""Groups of collision helpers and sites, which are not drawn."""
RESERVED_BACKGROUND = 0


@dataclass(frozen=True, kw_only=True)
class PictureConfig:
    """How a picture is drawn."""

    width: int = 640
    """Pixels."""
    height: int = 480
    """Pixels."""
    shadows: bool = False
    """Draw shadows; on a CPU a picture then takes about four times as long."""
    samples: int = 0
    """Samples a pixel against jagged edges, 0 to 8."""

    def __post_init__(self) -> None:
        if not 16 <= self.width <= 4096 or not 16 <= self.height <= 4096:
            raise UserError(
                f"a picture has 16 to 4096 pixels an edge, not {self.width}x{self.height}"
            )
        if not 0 <= self.samples <= 8:
            raise UserError(f"samples must be 0 to 8, not {self.samples}")


class Renderer:
    """Draws one model; use it as a context manager, and in one thread."""

    def __init__(self, model: mujoco.MjModel, config: PictureConfig) -> None:
        """Makes an OpenGL context and loads the model into it.

        Raises:
            RenderingError: No OpenGL here that draws without a screen.
        """
        self._model = model
        self._config = config
        quality, size = model.vis.quality, model.vis.global_
        quality.offsamples = config.samples
        quality.shadowsize = 4096 if config.shadows else 0
        # On a CPU triangles cost, pixels hardly do: most parts are boxes, drawn as 4x4 tiles a side
        # unless told otherwise.
        quality.numquads, quality.numslices, quality.numstacks = 1, 20, 12
        size.offwidth = max(size.offwidth, config.width)
        size.offheight = max(size.offheight, config.height)
        self._gl = open_context(config.width, config.height)
        self._gl.make_current()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._scene = mujoco.MjvScene(model, MAX_GEOMS)
        self._options = mujoco.MjvOption()
        for group in HELPER_GROUPS:
            self._options.geomgroup[group] = 0
            self._options.sitegroup[group] = 0
        self._viewport = mujoco.MjrRect(0, 0, config.width, config.height)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the OpenGL context back."""
        self._context.free()
        self._gl.free()

    def picture(self, data: mujoco.MjData, camera: str | mujoco.MjvCamera) -> NDArray[np.uint8]:
        """What a camera sees.

        Args:
            data: The state to draw.
            camera: Name of a camera of the model, or a free one.

        Returns:
            (height, width, 3) red, green, blue.

        Raises:
            UserError: If the model has no such camera.
        """
        return self._draw(data, camera, is_segmentation=False)

    def body_ids(self, data: mujoco.MjData, camera: str | mujoco.MjvCamera) -> NDArray[np.int32]:
        """Which body each pixel shows.

        Args:
            data: The state to draw.
            camera: Name of a camera of the model, or a free one.

        Returns:
            (height, width) identifiers of bodies; -1 where there is none.

        Raises:
            UserError: If the model has no such camera.
        """
        colours = self._draw(data, camera, is_segmentation=True).astype(np.int32)
        drawn = colours[..., 0] + (colours[..., 1] << 8) + (colours[..., 2] << 16)
        body_of_drawn = np.full(self._scene.ngeom + 1, -1, dtype=np.int32)
        for index in range(self._scene.ngeom):
            geom = self._scene.geoms[index]
            if geom.objtype == mujoco.mjtObj.mjOBJ_GEOM and geom.segid >= 0:
                body_of_drawn[geom.segid + 1] = self._model.geom_bodyid[geom.objid]
        return body_of_drawn[np.where(drawn < len(body_of_drawn), drawn, RESERVED_BACKGROUND)]

    def _draw(
        self, data: mujoco.MjData, camera: str | mujoco.MjvCamera, *, is_segmentation: bool
    ) -> NDArray[np.uint8]:
        self._gl.make_current()
        mujoco.mjv_updateScene(
            self._model,
            data,
            self._options,
            None,
            self._camera(camera),
            mujoco.mjtCatBit.mjCAT_ALL.value,
            self._scene,
        )
        flags = self._scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = self._config.shadows and not is_segmentation
        flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = is_segmentation
        flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = is_segmentation
        mujoco.mjr_render(self._viewport, self._scene, self._context)
        pixels = np.empty((self._config.height, self._config.width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(pixels, None, self._viewport, self._context)
        # OpenGL's first row is the lowest.
        return pixels[::-1].copy()

    def _camera(self, camera: str | mujoco.MjvCamera) -> mujoco.MjvCamera:
        if not isinstance(camera, str):
            return camera
        identifier = mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_CAMERA, camera)
        if identifier < 0:
            known = ", ".join(self._model.camera(i).name for i in range(self._model.ncam))
            raise UserError(f"there is no camera {camera!r}; there are: {known}")
        fixed = mujoco.MjvCamera()
        fixed.type = mujoco.mjtCamera.mjCAMERA_FIXED
        fixed.fixedcamid = identifier
        return fixed
