"""Weight layouts of the C kernel: panels of 16 output rows (see cpu.c)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

PANEL = 16
BLOCK = 32
FORMATS = {"float32": 0, "bfloat16": 1, "q4_1": 2, "q8_0": 3}


@dataclass(frozen=True)
class PackedWeight:
    """A (out_features, in_features) matrix in the C kernel's layout."""

    data: Tensor
    """uint8, panel after panel."""
    format: int
    """Index into FORMATS."""
    out_features: int
    """Rows that mean something; the layout pads them to a multiple of 16."""
    in_features: int
    """Columns."""

    @property
    def padded_out_features(self) -> int:
        """Rows in the layout."""
        return -(-self.out_features // PANEL) * PANEL

    @property
    def panel_bytes(self) -> int:
        """Bytes of one panel of 16 rows."""
        return self.data.numel() // (self.padded_out_features // PANEL)

    @property
    def is_quantised(self) -> bool:
        """Whether activations are rounded to 16 bits for this layout."""
        return self.format >= FORMATS["q4_1"]


def _panels(rows: Tensor) -> Tensor:
    padded = F.pad(rows, (0, 0, 0, -rows.shape[0] % PANEL))
    return padded.view(-1, PANEL, rows.shape[1])


def _bytes(data: Tensor) -> Tensor:
    return data.contiguous().view(torch.uint8)


def pack_dense(weight: Tensor) -> PackedWeight:
    """Pack float32 or bfloat16 (out, in) as [panel][k][16]."""
    assert weight.dtype in (torch.float32, torch.bfloat16), weight.dtype
    name = str(weight.dtype).removeprefix("torch.")
    data = _bytes(_panels(weight).transpose(1, 2)).reshape(-1)
    return PackedWeight(data, FORMATS[name], weight.shape[0], weight.shape[1])


def _pairs(values: Tensor) -> Tensor:
    """(panel, 16, k) integers -> (panel, block, k pair, 16 rows, 2)."""
    panels, _, k = values.shape
    return values.view(panels, PANEL, k // BLOCK, BLOCK // 2, 2).permute(0, 2, 3, 1, 4)


def pack_q4_1(raw: Tensor, in_features: int) -> PackedWeight:
    """Pack GGUF Q4_1 rows: blocks of {fp16 scale, fp16 minimum, 16 bytes of two nibbles}.

    Args:
        raw: (out, in / 32 * 20) uint8 rows as they stand in the file.
        in_features: columns of the matrix, a multiple of 32.
    """
    out_features = raw.shape[0]
    blocks = raw.view(out_features, in_features // BLOCK, 20)
    nibbles = torch.cat((blocks[..., 4:] & 15, blocks[..., 4:] >> 4), dim=-1)
    pairs = _pairs(_panels(nibbles.reshape(out_features, in_features)))
    # One 32-byte vector holds two k pairs, as low and high nibbles; inside it the two halves of
    # the rows alternate in groups of 8 bytes, the order in which vpunpckl/hbw deals them out.
    rows = pairs.reshape(
        *pairs.shape[:2], BLOCK // 4, 2, 2, 2, 8
    )  # quad, pair, half, lane, 8 bytes
    dealt = rows.permute(0, 1, 2, 3, 5, 4, 6).reshape(*pairs.shape[:2], BLOCK // 4, 2, 32)
    values = dealt[..., 0, :] | (dealt[..., 1, :] << 4)
    scales = [_scale_panels(blocks[..., start : start + 2]) for start in (0, 2)]
    data = torch.cat((values.flatten(2), *scales), dim=-1)
    return PackedWeight(data.reshape(-1), FORMATS["q4_1"], out_features, in_features)


def pack_q8_0(raw: Tensor, in_features: int) -> PackedWeight:
    """Pack GGUF Q8_0 rows: blocks of {fp16 scale, 32 int8}; `raw` is (out, in / 32 * 34) uint8."""
    out_features = raw.shape[0]
    blocks = raw.view(out_features, in_features // BLOCK, 34)
    pairs = _pairs(_panels(blocks[..., 2:].reshape(out_features, in_features)))
    data = torch.cat((pairs.flatten(2), _scale_panels(blocks[..., :2])), dim=-1)
    return PackedWeight(data.reshape(-1), FORMATS["q8_0"], out_features, in_features)


def _scale_panels(scales: Tensor) -> Tensor:
    """(out, blocks, 2 bytes) -> (panel, block, 16 rows x 2 bytes)."""
    out_features, blocks, _ = scales.shape
    panels = _panels(scales.reshape(out_features, blocks * 2))
    return panels.view(-1, PANEL, blocks, 2).permute(0, 2, 1, 3).flatten(2)


PACKERS = {"q4_1": pack_q4_1, "q8_0": pack_q8_0}
