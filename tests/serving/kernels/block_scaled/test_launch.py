import ctypes
import re
from pathlib import Path

import pytest
import torch

from regard.serving.kernels.block_scaled import build, launch
from tests.serving.kernels.block_scaled.fake_driver import machine
from tests.serving.kernels.block_scaled.operands import Draw

__all__ = ["machine"]

SOURCE = Path(launch.__file__).parent / "task.cuh"


def struct_fields(text):
    """Name and type of each member of `Task`, in order."""
    body = re.search(r"struct Task \{(.*?)\n\};", text, re.DOTALL)[1]
    body = re.sub(r"//[^\n]*", "", body)
    fields = []
    for statement in filter(None, (each.strip() for each in body.split(";"))):
        for name in re.sub(r"^(const )?\w+ ", "", statement).split(","):
            pointer = name.strip().startswith("*")
            fields.append((name.strip(" *"), ctypes.c_void_p if pointer else ctypes.c_int))
    return fields


def test_fields_stand_in_the_order_of_the_kernels_struct():
    assert struct_fields(SOURCE.read_text()) == list(launch._Task._fields_)


def test_a_field_out_of_order_would_be_noticed():
    text = SOURCE.read_text()
    swapped = text.replace("*cos, *sin", "*sin, *cos")
    assert swapped != text
    assert struct_fields(swapped) != list(launch._Task._fields_)


def test_modes_are_numbered_as_in_the_kernel():
    names = re.search(r"enum Mode \{(.*?)\}", SOURCE.read_text())[1].replace(" ", "").split(",")
    assert [getattr(build, name) for name in names] == list(range(4))


def test_maps_stand_in_the_order_of_the_kernels_struct():
    names = re.search(r"struct Maps \{\s*CUtensorMap (.*?);", SOURCE.read_text())[1].split(", ")
    assert [getattr(launch, name.upper()) for name in names] == list(range(6))


@pytest.mark.parametrize(
    ("columns", "parts", "share"), [(7168, 6, 10), (7168, 1, 56), (16384, 2, 64), (5120, 3, 14)]
)
def test_parts_cover_the_columns(columns, parts, share):
    assert launch.blocks_a_part(columns, parts) == share
    assert share * parts >= columns // 128 > share * (parts - 1)


@pytest.mark.parametrize(("columns", "parts"), [(7168, 13), (512, 3), (128, 2)])
def test_a_part_without_columns_is_refused(columns, parts):
    with pytest.raises(ValueError, match="empty"):
        launch.blocks_a_part(columns, parts)


def prepare(**options):
    draw = Draw("cpu")
    arguments = {"integers": {"num_units": 4}, "tensors": {"out": torch.zeros(3)}} | options
    x = arguments.pop("x", draw.rows(100, 256))
    weight = arguments.pop("weight", draw.weight(512, 256))
    return launch.prepare(build.PARTS, 128, weight, x, **arguments)


def test_the_task_points_to_its_tensors(machine):
    out, cos = torch.zeros(3), torch.zeros(4)
    draw = Draw("cpu")
    weight = draw.weight(512, 256)
    made = prepare(weight=weight, integers={"outer": 512}, tensors={"out": out, "cos": cos})
    assert made.task.outer == 512
    assert made.task.num_blocks == 2
    assert made.task.out == out.data_ptr()
    assert made.task.cos == cos.data_ptr()
    assert made.task.weight_scales == weight.scales.data_ptr()
    assert made.task.sin is None


@pytest.mark.parametrize(
    ("units", "spare", "blocks"), [(4, 0, 8), (400, 0, 132), (400, 3, 128), (0, 4, 128)]
)
def test_blocks_come_in_pairs_and_no_more_than_there_is_work_for(machine, units, spare, blocks):
    assert prepare(integers={"num_units": units}, spare_blocks=spare).num_blocks == blocks


def test_a_copy_brings_half_of_a_warpgroups_rows_and_all_scales(machine):
    draw = Draw("cpu")
    own, everyone = draw.rows(100, 256), draw.rows(60, 256)
    prepare(x=own, shared_x=everyone)
    boxes = [(call.pointer, call.box) for call in machine.calls[1:]]
    assert boxes == [
        (own.values.data_ptr(), (128, 32)),
        (own.scales.data_ptr(), (128, 1)),
        (everyone.values.data_ptr(), (128, 32)),
        (everyone.scales.data_ptr(), (128, 1)),
    ]
    assert [call.swizzle for call in machine.calls] == [3, 3, 0, 3, 0]
    assert machine.calls[0].box == (128, 128)


def test_heads_are_copied_in_pairs_of_dimensions_that_turn_together(machine):
    draw = Draw("cpu")
    weight = draw.weight(512, 256)
    launch.prepare(
        build.QUERY, 128, weight, draw.rows(100, 256), integers={"num_units": 2}, tensors={}
    )
    # Columns, the two halves of a head, dimensions of a half, heads.
    assert machine.calls[0].sizes == (256, 2, 128, 2)
    assert machine.calls[0].box == (128, 2, 64, 1)
