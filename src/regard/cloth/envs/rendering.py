"""Pictures of the cloth, painted without a graphics driver."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from regard.cloth import mesh
from regard.cloth.errors import ClothError
from regard.cloth.mesh import Array

WIDTH, HEIGHT = 480, 360
"""Size of a picture."""
CAMERA = np.array([0.0, -0.62, 0.62])
"""Where the camera is [m]."""
LOOK_AT = np.array([0.0, 0.0, 0.02])
"""The middle of the picture [m]."""
FOCAL_LENGTH = 560.0
"""In pixels."""
LIGHT = np.array([0.3, -0.35, 0.89])
"""Direction towards the light."""
TABLE, UPPER, LOWER = (214, 205, 190), (70, 120, 200), (225, 150, 70)
"""Colours of the table and of the two sides of the cloth."""
CLOSED, OPEN = (200, 40, 40), (60, 60, 60)
"""Colours of the gripper."""
TABLE_HALF = 0.4
"""Half an edge of the table that is drawn [m]."""


def draw(positions: Array, gripper: Array, is_closed: bool) -> NDArray[np.uint8]:
    """Paints cloth and gripper, the farthest triangle first.

    Args:
        positions: Vertices [m], shape (n^2, 3).
        gripper: Finger tips [m], shape (3,).
        is_closed: Whether the gripper holds the cloth.

    Returns:
        Shape (HEIGHT, WIDTH, 3).
    """
    image = Image.new("RGB", (WIDTH, HEIGHT), (245, 245, 245))
    canvas = ImageDraw.Draw(image)
    corners = TABLE_HALF * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    canvas.polygon(_flat(_project(corners)[0]), fill=TABLE)
    faces = mesh.triangles(round(len(positions) ** 0.5))
    vertices = np.nan_to_num(positions)
    shadow = vertices + np.outer(-vertices[:, 2] / LIGHT[2], LIGHT)
    for triangle in _project(shadow)[0][faces]:
        canvas.polygon(_flat(triangle), fill=tuple(int(0.8 * each) for each in TABLE))
    places, depths = _project(vertices)
    order = np.argsort(-depths[faces].mean(axis=1))
    for face, colour in zip(faces[order], _colours(vertices, faces)[order], strict=True):
        canvas.polygon(_flat(places[face]), fill=tuple(colour), outline=tuple(colour // 10 * 9))
    (x, y), (top_x, top_y) = _project(np.stack([gripper, gripper + (0.0, 0.0, 0.1)]))[0]
    colour = CLOSED if is_closed else OPEN
    canvas.line((x, y, top_x, top_y), fill=colour, width=5)
    canvas.ellipse((x - 6, y - 6, x + 6, y + 6), fill=colour)
    return np.asarray(image, dtype=np.uint8)


def _colours(vertices: Array, faces: mesh.IntArray) -> NDArray[np.int64]:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    seen_from_above = ((CAMERA - a) * normals).sum(axis=1) > 0
    shade = 0.55 + 0.45 * np.abs(normals @ LIGHT)
    colours = np.where(seen_from_above[:, None], UPPER, LOWER) * shade[:, None]
    rounded: NDArray[np.int64] = colours.astype(np.int64)
    return rounded


@cache
def _axes() -> Array:
    forward = (LOOK_AT - CAMERA) / np.linalg.norm(LOOK_AT - CAMERA)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(right, forward), forward])


def _project(points: Array) -> tuple[Array, Array]:
    """Pixels (n, 2) and distances along the line of sight (n,)."""
    right, up, depth = ((points - CAMERA) @ _axes().T).T
    pixels = np.stack(
        [WIDTH / 2 + FOCAL_LENGTH * right / depth, HEIGHT / 2 - FOCAL_LENGTH * up / depth], axis=-1
    )
    return pixels, depth


def _flat(pixels: Array) -> list[float]:
    return [float(value) for value in pixels.ravel()]


class _Window:
    """One window that shows the latest picture."""

    def __init__(self) -> None:
        import tkinter

        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise ClothError(
                f"no window can be opened ({error}): take render_mode='rgb_array', "
                "or `regard cloth watch`, which writes a clip"
            ) from error
        self._root.title("regard cloth")
        self._label = tkinter.Label(self._root)
        self._label.pack()

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Replaces the picture."""
        from PIL import ImageTk

        # tkinter drops a picture that nothing refers to.
        self._picture = ImageTk.PhotoImage(Image.fromarray(picture), master=self._root)
        self._label.configure(image=self._picture)
        self._root.update()


@cache
def _window() -> _Window:
    return _Window()


def show_in_window(picture: NDArray[np.uint8]) -> None:
    """Shows a picture in a window of its own.

    Raises:
        ClothError: There is no display.
    """
    _window().show(picture)
