"""The pictures of a prompt through the vision model."""

from collections.abc import Sequence

import torch

from regard.serving.errors import InvalidRequestError
from regard.serving.image_embeddings import ImageEmbeddings
from regard.serving.images import ImageError, image_size
from regard.serving.models.vision.cropping import Size
from regard.serving.models.vision.vision_model import VisionModel
from regard.serving.prompt_image import PromptImage


def embed_images(
    images: Sequence[PromptImage], prompt_token_ids: Sequence[int], vision: VisionModel | None
) -> ImageEmbeddings:
    """Decode and embed a prompt's pictures.

    Raises:
        InvalidRequestError: the model takes text only, a picture cannot be decoded, or the prompt
            has other tokens than the picture's where it should stand.
    """
    if vision is None:
        raise InvalidRequestError("the prompt has pictures, and this model takes text only")
    places: list[int] = []
    values = []
    end = 0
    for number, image in enumerate(images, start=1):
        layout = vision.tokens.layout(Size(*image_size(image.data)))
        stop = image.start + len(layout)
        if image.start < end or list(prompt_token_ids[image.start : stop]) != layout:
            raise InvalidRequestError(
                f"the prompt does not have the {len(layout)} tokens of picture {number} at "
                f"{image.start}"
            )
        end = stop
        places += [image.start + place for place in vision.tokens.places(layout)]
        try:
            values.append(vision.embed(image))
        except ImageError as error:
            raise ImageError(f"picture {number} of the prompt: {error}") from error
    return ImageEmbeddings(places, torch.cat(values))
