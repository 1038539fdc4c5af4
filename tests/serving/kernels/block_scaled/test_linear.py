import pytest
import torch

from regard.serving.kernels.block_scaled.linear import linear_parts, query_projection
from regard.serving.kernels.block_scaled.reference import fp8_linear_reference
from regard.serving.kernels.latent_append.reference import rotate
from tests.serving.kernels.block_scaled.fake_driver import machine
from tests.serving.kernels.block_scaled.operands import Draw, nan
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu", "machine"]

TOLERANCE = 5e-3
# One build of the kernels each, and odd numbers within them; 128 fills its build.
NUM_ROWS = (4, 100, 128, 131, 160, 175, 190, 192)


def expected_of(x, weight):
    return fp8_linear_reference(x.values, x.scales, weight.values, weight.scales)


@pytest.mark.parametrize(
    ("rows", "outer", "parts", "message"),
    [
        (4, 384, 1, "384 rows for 384 columns"),
        (4, 512, 1, "256 rows for 512 columns"),
        (193, 256, 1, "at most 192 pass"),
        (4, 256, 4, "leave one of 4 parts empty"),
    ],
)
def test_sizes_that_do_not_fit_are_named(rows, outer, parts, message):
    draw = Draw("cpu")
    weight = draw.weight(256 if outer == 512 else outer, 256)
    with pytest.raises(ValueError, match=message):
        linear_parts(draw.rows(rows, 256), weight, torch.zeros(parts, rows, outer))


@pytest.mark.parametrize(
    ("rows", "outer", "message"), [(193, 256, "at most 192"), (4, 512, "256 rows for 512 columns")]
)
def test_query_sizes_that_do_not_fit_are_named(rows, outer, message):
    draw = Draw("cpu")
    out = torch.zeros(rows, outer, dtype=torch.bfloat16)
    with pytest.raises(ValueError, match=message):
        query_projection(draw.rows(rows, 256), draw.weight(256, 256), *draw.angles(rows), out)


def test_each_part_of_each_tile_is_a_unit(machine):
    draw = Draw("cpu")
    out = torch.zeros(3, 100, 1024)
    made = linear_parts(draw.rows(100, 896), draw.weight(1024, 896), out)
    task = made.task
    assert (task.num_units, task.num_tiles, task.num_blocks, task.blocks_a_split) == (12, 4, 7, 3)
    assert (task.num_rows, task.outer, made.rows) == (100, 1024, 128)
    assert made.num_blocks == 24


@pytest.mark.gpu
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("rows", NUM_ROWS)
def test_parts_sum_to_the_product(rows, parts, gpu):
    draw = Draw(gpu, rows)
    x, weight = draw.rows(rows, 2048), draw.weight(1024, 2048)
    out = nan((parts, rows, 1024), gpu)
    call = linear_parts(x, weight, out)
    call()
    first = out.clone()
    assert relative_error(first.sum(0), expected_of(x, weight)) < TOLERANCE
    call()
    assert torch.equal(out, first)


@pytest.mark.gpu
def test_more_units_than_blocks_are_all_done(gpu):
    draw = Draw(gpu)
    x, weight = draw.rows(130, 7168), draw.weight(256 * 45, 7168)
    out = nan((7, 130, 256 * 45), gpu)
    linear_parts(x, weight, out, spare_blocks=4)()
    assert relative_error(out.sum(0), expected_of(x, weight)) < TOLERANCE


@pytest.mark.gpu
@pytest.mark.parametrize("rows", NUM_ROWS)
def test_queries_are_projected_and_rotated(rows, gpu):
    draw = Draw(gpu, rows)
    x, weight, (cos, sin) = draw.rows(rows, 2048), draw.weight(1024, 2048), draw.angles(rows)
    out = nan((rows, 1024), gpu, torch.bfloat16)
    query_projection(x, weight, cos, sin, out)()
    heads = expected_of(x, weight).split(256, dim=1)
    expected = torch.cat([rotate(head, cos, sin) for head in heads], dim=1)
    assert relative_error(out, expected) < TOLERANCE
    # Turned the other way, it would not agree.
    wrong = torch.cat([rotate(head, cos, -sin) for head in heads], dim=1)
    assert relative_error(out, wrong) > 10 * TOLERANCE


@pytest.mark.gpu
def test_one_wrong_scale_would_be_noticed(gpu):
    draw = Draw(gpu)
    x, weight = draw.rows(128, 2048), draw.weight(1024, 2048)
    expected = expected_of(x, weight)
    weight.scales[3, 5] *= 2
    out = nan((1, 128, 1024), gpu)
    linear_parts(x, weight, out)()
    assert relative_error(out[0], expected) > TOLERANCE


@pytest.mark.gpu
def test_a_graph_reads_what_stands_in_its_operands_now(gpu):
    draw = Draw(gpu)
    x, weight = draw.rows(128, 1024), draw.weight(512, 1024)
    out = nan((2, 128, 512), gpu)
    call = linear_parts(x, weight, out)
    call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    other = draw.rows(128, 1024)
    x.values.copy_(other.values)
    x.scales.copy_(other.scales)
    out.fill_(torch.nan)
    graph.replay()
    assert relative_error(out.sum(0), expected_of(other, weight)) < TOLERANCE
