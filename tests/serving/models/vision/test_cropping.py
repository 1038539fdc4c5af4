import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.models.vision.config import VisionConfig
from regard.serving.models.vision.cropping import CropPlan, Size, plan_crops

RELEASED = VisionConfig(text_hidden_size=7168)
SIDES = st.integers(1, 9000)


def plan(width: int, height: int) -> CropPlan:
    return plan_crops(Size(width, height), RELEASED)


# Columns, rows and window as vLLM's ImagePatcher gives them (read, and worked through by hand).
@pytest.mark.parametrize(
    ("size", "window", "grid"),
    [
        ((728, 728), 0, (0, 0)),
        ((728, 486), 0, (0, 0)),
        ((728, 400), 400, (2, 1)),
        ((400, 728), 400, (1, 2)),
        ((729, 729), 504, (2, 2)),
        ((1000, 604), 504, (2, 1)),
        ((1000, 605), 504, (2, 2)),
        ((3024, 3024), 504, (6, 6)),
        ((6048, 3024), 504, (6, 3)),
        ((3024, 700), 504, (6, 2)),
        ((3024, 300), 300, (10, 1)),
        ((3024, 20), 504, (6, 6)),
        ((1000, 300), 504, (2, 1)),
    ],
)
def test_pictures_are_cut_as_the_models_own_processor_cuts_them(size, window, grid):
    found = plan(*size)
    assert (found.window, (found.columns, found.rows)) == (window, grid)


def test_a_thin_strip_is_padded_to_a_square():
    assert plan(200, 20).padded == (200, 200)
    assert plan(200, 32).padded == (200, 32)
    assert plan(120, 30).padded == (120, 30)


def test_a_last_window_is_kept_only_where_it_is_more_than_a_fifth_full():
    assert plan(1008, 729).canvas == (1008, 1008)
    assert plan(1108, 729).canvas == (1008, 1008)
    assert plan(1109, 729).canvas == (1512, 1008)


def test_a_fifth_is_a_fifth_in_floats():
    # 640 = 3.2 windows of 200: 3.2 - 3 is a little more than 0.2 in floats.
    assert plan(640, 200).columns == 4


def test_a_needle_is_never_shrunk_to_nothing():
    assert plan(100_000, 33).scaled == (3024, 1)


@given(SIDES, SIDES)
def test_crops_cover_the_canvas(width: int, height: int):
    found = plan(width, height)
    assert max(found.scaled) <= RELEASED.max_side
    corners = found.corners()
    assert len(corners) == found.num_crops == len(set(corners))
    if found.window:
        assert max(x for x, _ in corners) + found.window >= found.canvas.width
        assert max(y for _, y in corners) + found.window >= found.canvas.height
        assert corners == sorted(corners, key=lambda corner: (corner[1], corner[0]))
