"""A message's content that comes in parts, as one text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from regard.serving.errors import InvalidRequestError


def join_parts(parts: Sequence[Mapping[str, Any]], take: Callable[[str, int], str]) -> str:
    """The text of OpenAI's content parts.

    Args:
        parts: of the types `text` and `image_url`.
        take: given a picture's URL and its part's number, keeps it and gives the text that marks
            its place.

    Raises:
        InvalidRequestError: a part of another type, or whatever `take` raises.
    """
    text, after_text = "", False
    for number, part in enumerate(parts):
        match part:
            case {"type": "text", "text": str(piece)}:
                # Pieces of text stand on lines of their own; a picture's mark needs none.
                text += f"\n{piece}" if after_text else piece
                after_text = True
            case {"type": "image_url", "image_url": {"url": str(url)}}:
                text += take(url, number)
                after_text = False
            case _:
                raise InvalidRequestError(
                    f"part {number} of a message is neither {{'type': 'text', 'text': ...}} nor "
                    "{'type': 'image_url', 'image_url': {'url': ...}}"
                )
    return text
