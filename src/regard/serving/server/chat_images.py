"""The pictures of one conversation."""

from regard.serving.errors import InvalidRequestError
from regard.serving.image_prompt import ExpandedPrompt, expand_placeholders
from regard.serving.images import ImageError, read_data_uri
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.server.config import ServerConfig
from regard.serving.server.remote_images import fetch_image


class ChatImages:
    """Collects a conversation's pictures and puts their tokens into its prompt."""

    def __init__(self, tokens: PictureTokens | None, config: ServerConfig) -> None:
        """Begin with none.

        Args:
            tokens: what stands for pictures; None where the model takes text only.
            config: whether pictures may be fetched, how many and how large.
        """
        self._tokens, self._config = tokens, config
        self._files: list[bytes] = []

    def take(self, url: str, param: str) -> str:
        """Read a picture and give the text that marks its place.

        Raises:
            InvalidRequestError: the model takes none, there are too many, or it cannot be had.
        """
        if self._tokens is None:
            raise InvalidRequestError(
                f"{param} is a picture, and this model takes text only", param=param
            )
        if len(self._files) == self._config.max_images:
            raise InvalidRequestError(
                f"{param} is one picture more than {self._config.max_images}, the limit of this "
                "server (--max-images)",
                param=param,
            )
        try:
            self._files.append(self._read(url))
        except ImageError as error:
            error.param = param
            raise
        return self._tokens.placeholder_text

    def expand(self, token_ids: list[int]) -> ExpandedPrompt:
        """The prompt with the pictures' tokens.

        Raises:
            InvalidRequestError: a text holds the mark of a picture, or a file is no picture.
        """
        if self._tokens is None:
            return ExpandedPrompt(tuple(token_ids), ())
        return expand_placeholders(token_ids, self._files, self._tokens)

    def _read(self, url: str) -> bytes:
        if url.startswith("data:"):
            return read_data_uri(url)
        if not self._config.allow_remote_images:
            raise ImageError(
                "a picture must come as data:image/...;base64,...; this server fetches none "
                "(--allow-remote-images lets it)"
            )
        return fetch_image(url, max_bytes=self._config.max_body_bytes)
