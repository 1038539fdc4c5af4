"""A message's key and shape in 64 bits, so that one write both names and announces it."""

from regard.serving.afd.codec import Shape
from regard.serving.afd.link.contract import Key
from regard.serving.afd.link.frames import FrameError
from regard.serving.afd.link.options import LinkOptions


def pack(key: Key, shape: Shape) -> int:
    """A word that says what came.

    From below: a bit that is 1, 20 bits of rows, 10 of the layer, one that is 0, 8 of the experts a
    row, 24 of the step. So it is never 0, and its lower half, which a GPU waits for, is never
    negative.
    """
    return 1 | shape.rows << 1 | key.layer << 21 | shape.top_k << 32 | (key.step & 0xFFFFFF) << 40


def unpack(word: int, microbatch: int, options: LinkOptions) -> tuple[Key, Shape]:
    """What came.

    Raises:
        FrameError: nothing that the other side could have sent.
    """
    rows, layer, top_k = word >> 1 & 0xFFFFF, word >> 21 & 0x3FF, word >> 32 & 0xFF
    if not 0 < rows <= options.max_rows or top_k > options.top_k:
        raise FrameError(f"{rows} rows to {top_k} experts each")
    return Key(word >> 40, layer, microbatch), Shape(rows, options.hidden, top_k)
