from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.errors import WeightsError
from regard.serving.models.vision.cropping import Size
from regard.serving.models.vision.picture_tokens import PictureTokens, find_picture_tokens
from tests.serving.tiny import LLAMA, STEP3, byte_tokenizer
from tests.serving.tiny_vision import FIRST_ID, model_config, seeing_tokenizer

PATCH, START, END, CROP_START, CROP_END, NEWLINE = range(FIRST_ID, FIRST_ID + 6)
CROP = [CROP_START, *[PATCH] * 4, CROP_END]
WHOLE = [START, *[PATCH] * 9, END]
TOKENS = PictureTokens.of(model_config().vision, seeing_tokenizer(), "tiny")


def test_a_small_picture_is_the_whole_alone():
    assert TOKENS.layout(Size(48, 40)) == WHOLE


def test_crops_come_first_and_rows_end_with_a_newline_but_for_the_last():
    layout = TOKENS.layout(Size(64, 96))
    assert layout == [*CROP * 2, NEWLINE, *CROP * 2, NEWLINE, *CROP * 2, *WHOLE]


@given(st.integers(1, 300), st.integers(1, 300))
def test_the_count_needs_no_layout(width: int, height: int):
    size = Size(width, height)
    assert TOKENS.count(size) == len(TOKENS.layout(size))


def test_places_are_those_of_the_placeholders():
    layout = TOKENS.layout(Size(64, 96))
    assert [layout[place] for place in TOKENS.places(layout)] == [PATCH] * (6 * 4 + 9)


def test_a_model_without_vision_has_none():
    for config in (LLAMA, STEP3):
        assert find_picture_tokens(config, byte_tokenizer(), "tiny") is None
    assert find_picture_tokens(model_config(), seeing_tokenizer(), "tiny") == TOKENS


def test_a_tokenizer_without_the_marks_is_refused():
    with pytest.raises(WeightsError, match=r"no <im_patch>"):
        find_picture_tokens(model_config(), byte_tokenizer(), "tiny")


def test_a_configuration_that_spells_the_placeholder_otherwise_is_refused():
    other = replace(TOKENS.config, image_token_id=1)
    with pytest.raises(WeightsError, match="image_token_id is 1"):
        PictureTokens.of(other, seeing_tokenizer(), "tiny")
