"""Puts pictures into a prompt: each placeholder becomes the picture's own tokens."""

from collections.abc import Sequence
from typing import NamedTuple

from regard.serving.errors import InvalidRequestError
from regard.serving.images import image_size
from regard.serving.models.vision.cropping import Size
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.prompt_image import PromptImage


class ExpandedPrompt(NamedTuple):
    """A prompt with room for its pictures."""

    token_ids: tuple[int, ...]
    """All tokens."""
    images: tuple[PromptImage, ...]
    """The pictures, in order."""


def expand_placeholders(
    token_ids: Sequence[int], files: Sequence[bytes], tokens: PictureTokens
) -> ExpandedPrompt:
    """Replace the n-th placeholder by the tokens of the n-th picture.

    Raises:
        ImageError: a file that is no picture.
        InvalidRequestError: placeholders and pictures are not equally many.
    """
    count = token_ids.count(tokens.placeholder)
    if count != len(files):
        raise InvalidRequestError(
            f"the prompt has {count} {tokens.placeholder_text} for {len(files)} pictures: this "
            "text is the model's mark of a picture and cannot stand in a message",
            param="messages",
        )
    waiting = iter(files)
    expanded: list[int] = []
    images: list[PromptImage] = []
    for token in token_ids:
        if token != tokens.placeholder:
            expanded.append(token)
            continue
        data = next(waiting)
        layout = tokens.layout(Size(*image_size(data)))
        images.append(PromptImage(data, len(expanded), len(layout)))
        expanded += layout
    return ExpandedPrompt(tuple(expanded), tuple(images))
