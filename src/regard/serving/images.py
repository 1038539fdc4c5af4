"""Encoded pictures: from a data URI to bytes, from bytes to a picture, within limits."""

import base64
import binascii
import io

import numpy as np
from PIL import Image

from regard.serving.errors import InvalidRequestError

MAX_PIXELS = 50_000_000
"""A phone's 48 megapixels pass; decoded they take 150 MB."""
MEDIA_TYPES = ("image/png", "image/jpeg", "image/jpg", "image/webp")
_FORMATS = ("PNG", "JPEG", "WEBP")
# What Pillow calls a JPEG with more pictures behind the first, as some phones write them.
_SEVERAL_JPEGS = "MPO"
_SUPPORTED = "supported: PNG, JPEG and WebP"
# EXIF's tag, and what undoes each of its values; from 5 on width and height change places.
_ORIENTATION = 0x0112
_UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WHITE = (255, 255, 255)


class ImageError(InvalidRequestError):
    """A picture that cannot be taken."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="invalid_image")


def read_data_uri(uri: str) -> bytes:
    """The file in a `data:image/...;base64,...` URI.

    Raises:
        ImageError: it is no such URI, of another type, or not base64.
    """
    head, comma, payload = uri.partition(",")
    kind, *options = head.removeprefix("data:").split(";")
    if not (uri.startswith("data:") and comma and "base64" in options):
        raise ImageError("a picture's URI must be data:image/...;base64,...")
    if kind.strip().lower() not in MEDIA_TYPES:
        raise ImageError(f"a picture is {kind[:60]!r}; {_SUPPORTED}")
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"a picture's base64 is broken: {error}") from error


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height of a picture as it is to be seen, from its header.

    Raises:
        ImageError: it is no picture, of another type, animated, or too large.
    """
    picture = _open(data)
    width, height = picture.size
    return (height, width) if _orientation(picture) >= 5 else (width, height)


def decode_image(data: bytes) -> Image.Image:
    """The picture in RGB, turned as its EXIF says, transparent parts on white.

    Raises:
        ImageError: it is no picture, of another type, animated, too large, or corrupt.
    """
    picture = _open(data)
    try:
        undo = _UNDO.get(_orientation(picture))
        picture.load()
        if undo is not None:
            picture = picture.transpose(undo)
        if picture.mode.startswith("I;16"):
            picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            white = Image.new("RGBA", picture.size, (*_WHITE, 255))
            picture = Image.alpha_composite(white, picture)
        return picture.convert("RGB")
    except Exception as error:
        # Pillow's decoders raise errors of many kinds for files that do not keep to their format.
        raise ImageError(f"a picture is corrupt or cut off: {error}") from error


def _open(data: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        num_frames = getattr(picture, "n_frames", 1)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"a picture has more than {MAX_PIXELS:,} pixels") from error
    except Exception as error:
        raise ImageError(
            f"{len(data)} bytes are no picture that can be read; {_SUPPORTED}"
        ) from error
    if picture.width * picture.height > MAX_PIXELS:
        raise ImageError(
            f"a picture is {picture.width} x {picture.height}, more than {MAX_PIXELS:,} pixels"
        )
    if num_frames > 1 and picture.format != _SEVERAL_JPEGS:
        raise ImageError(f"a picture is animated ({num_frames} frames); send one frame")
    return picture


def _orientation(picture: Image.Image) -> int:
    """EXIF's orientation as the header has it; Pillow's own way decodes a whole PNG to look."""
    exif = Image.Exif()
    try:
        exif.load(picture.info.get("exif", b""))
        value = exif.get(_ORIENTATION)
    except Exception:
        # Cameras write what they like; a picture with broken notes is still a picture.
        return 1
    return value if value in _UNDO else 1
