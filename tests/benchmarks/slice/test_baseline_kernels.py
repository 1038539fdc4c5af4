import pytest
import torch
import torch.nn.functional as F

from regard.serving.kernels.block_scaled.launch import Rows
from regard.serving.kernels.block_scaled.reference import dequantise_rows
from regard.serving.kernels.latent_append.reference import rotate
from tests.serving.kernels.block_scaled.operands import Draw, nan
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu"]

E4M3_ERROR = 4e-2


@pytest.mark.gpu
def test_queries_are_rotated_and_have_a_scale_a_sequence(gpu):
    from benchmarks.serving.slice.baseline_kernels import rotate_queries

    draw = Draw(gpu)
    query = (draw.normal(5, 4 * 256) * torch.arange(1, 6, device=gpu)[:, None]).bfloat16()
    cos, sin = draw.angles(5)
    out, descale = nan((5, 4, 256), gpu, torch.float8_e4m3fn), nan((5, 1), gpu)
    rotate_queries(query, cos, sin, out, descale)
    heads = [rotate(head, cos, sin) for head in query.float().split(256, dim=1)]
    expected = torch.stack(heads, dim=1)
    assert relative_error(out.float() * descale[:, :, None], expected) < E4M3_ERROR
    torch.testing.assert_close(descale[:, 0], expected.abs().amax((1, 2)) / 448)


@pytest.mark.gpu
@pytest.mark.parametrize("width", [384, 1152])
def test_gates_are_applied_to_rows_that_count(width, gpu):
    from benchmarks.serving.slice.baseline_kernels import gate_rows

    capacity, counts = 8, [5, 0, 8]
    x = Draw(gpu).normal(3 * capacity, 2 * width).bfloat16()
    out = Rows(
        nan((3 * capacity, width), gpu, torch.float8_e4m3fn),
        nan((3, width // 128, capacity), gpu),
    )
    gate_rows(x, torch.tensor(counts, dtype=torch.int32, device=gpu), out)
    gate, up = x.float().chunk(2, dim=1)
    expected = F.silu(gate) * up
    for expert, count in enumerate(counts):
        here = slice(expert * capacity, expert * capacity + count)
        found = dequantise_rows(out.values[here], out.scales[expert, :, :count])
        if count:
            assert relative_error(found, expected[here]) < E4M3_ERROR
        assert out.scales[expert, :, count:].isnan().all()
