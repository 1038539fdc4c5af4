import pytest
import torch

from regard.serving.errors import InvalidRequestError
from regard.serving.image_prompt import expand_placeholders
from regard.serving.images import ImageError
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.vision.cropping import Size
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.models.vision.prompt_images import embed_images
from regard.serving.models.vision.vision_model import VisionModel
from regard.serving.prompt_image import PromptImage
from tests.serving.tiny_vision import (
    encoded,
    model_config,
    picture,
    random_weights,
    seeing_tokenizer,
)

TOKENS = PictureTokens.of(model_config().vision, seeing_tokenizer(), "tiny")
FILES = [encoded(picture(48, 48, 1)), encoded(picture(64, 96, 2))]


@pytest.fixture(scope="module")
def vision() -> VisionModel:
    numerics = choose_numerics("exact", "cpu", "auto")
    return VisionModel(TOKENS, random_weights(), numerics, cache_bytes=10**6)


def test_embeddings_stand_where_the_placeholders_do(vision: VisionModel):
    prompt = expand_placeholders([5, TOKENS.placeholder, 6, TOKENS.placeholder], FILES, TOKENS)
    found = embed_images(prompt.images, prompt.token_ids, vision)
    expected = [i for i, token in enumerate(prompt.token_ids) if token == TOKENS.placeholder]
    assert list(found.positions) == expected
    whole = vision.embed(prompt.images[0])
    assert torch.equal(found.between(0, prompt.images[1].start)[1], whole)


def test_a_model_that_takes_text_refuses(vision: VisionModel):
    with pytest.raises(InvalidRequestError, match="text only"):
        embed_images([PromptImage(FILES[0], 0, 11)], [0] * 11, None)


def test_a_prompt_with_other_tokens_is_refused(vision: VisionModel):
    layout = TOKENS.layout(Size(48, 48))
    for images, prompt in (
        ([PromptImage(FILES[0], 1, 11)], layout),
        ([PromptImage(FILES[0], 0, 11)] * 2, layout),
        ([PromptImage(FILES[1], 0, 11)], layout),
    ):
        with pytest.raises(InvalidRequestError, match="does not have the"):
            embed_images(images, prompt, vision)


def test_a_corrupt_picture_is_named_by_its_number(vision: VisionModel):
    prompt = expand_placeholders([TOKENS.placeholder] * 2, FILES, TOKENS)
    cut = PromptImage(FILES[1][:-40], prompt.images[1].start, prompt.images[1].num_tokens)
    with pytest.raises(ImageError, match="picture 2 of the prompt"):
        embed_images([prompt.images[0], cut], prompt.token_ids, vision)
