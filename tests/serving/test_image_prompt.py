import pytest

from regard.serving.errors import InvalidRequestError
from regard.serving.image_prompt import expand_placeholders
from regard.serving.images import ImageError
from regard.serving.models.vision.cropping import Size
from regard.serving.models.vision.picture_tokens import PictureTokens
from tests.serving.tiny_vision import encoded, model_config, picture, seeing_tokenizer

TOKENS = PictureTokens.of(model_config().vision, seeing_tokenizer(), "tiny")
MARK = TOKENS.placeholder
SMALL, LARGE = encoded(picture(48, 48)), encoded(picture(64, 96))


def test_each_placeholder_becomes_its_pictures_tokens():
    prompt = expand_placeholders([1, MARK, 2, MARK, 3], [LARGE, SMALL], TOKENS)
    large, small = (TOKENS.layout(Size(*size)) for size in ((64, 96), (48, 48)))
    assert prompt.token_ids == (1, *large, 2, *small, 3)
    assert [image.data for image in prompt.images] == [LARGE, SMALL]
    for image, layout in zip(prompt.images, (large, small), strict=True):
        span = prompt.token_ids[image.start : image.start + image.num_tokens]
        assert list(span) == layout


def test_a_prompt_without_pictures_stays_as_it_is():
    assert expand_placeholders([1, 2], [], TOKENS) == ((1, 2), ())


@pytest.mark.parametrize(("marks", "files"), [(1, 0), (0, 1), (2, 1)])
def test_marks_without_pictures_are_refused(marks: int, files: int):
    with pytest.raises(InvalidRequestError, match=f"{marks} <im_patch> for {files} pictures"):
        expand_placeholders([MARK] * marks, [SMALL] * files, TOKENS)


def test_a_file_that_is_no_picture_is_refused():
    with pytest.raises(ImageError):
        expand_placeholders([MARK], [b"x"], TOKENS)
