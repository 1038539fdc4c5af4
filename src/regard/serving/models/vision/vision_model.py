"""Pictures to embeddings: cutting, encoder, projector, and a memory of recent ones."""

import threading
from collections import OrderedDict

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from regard.serving.images import decode_image
from regard.serving.models.decoder import Tensors
from regard.serving.models.numerics import Numerics
from regard.serving.models.vision.config import VisionConfig
from regard.serving.models.vision.encoder import VisionEncoder
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.models.vision.processor import process
from regard.serving.models.vision.projector import Projector
from regard.serving.prompt_image import PromptImage

# Crops that go through the encoder together: 36 at once would hold 3 GB of one MLP's outputs.
_CROPS_AT_ONCE = 4


class VisionModel:
    """Embeds pictures, one at a time, from any thread; recent ones are not encoded again."""

    def __init__(
        self,
        tokens: PictureTokens,
        tensors: Tensors,
        numerics: Numerics,
        *,
        cache_bytes: int,
    ) -> None:
        """Build the encoder.

        Args:
            tokens: what stands for pictures in prompts.
            tensors: with the vision side's among them.
            numerics: mode, device, types.
            cache_bytes: most memory for embeddings of recent pictures.
        """
        self.tokens = tokens
        self._encoder = VisionEncoder(tokens.config, tensors, numerics)
        self._projector = Projector(tokens.config, tensors, numerics)
        self._device = numerics.device
        self._cache: OrderedDict[str, Tensor] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._lock, self._encoding = threading.Lock(), threading.Lock()

    @property
    def config(self) -> VisionConfig:
        """The vision side in numbers."""
        return self.tokens.config

    def embed(self, image: PromptImage) -> Float[Tensor, "tokens width"]:
        """Embeddings of a picture in the order of its placeholders.

        Raises:
            ImageError: it cannot be decoded.
        """
        known = self._recent(image.digest)
        if known is not None:
            return known
        # A decoded picture can take 150 MB, and its crops in the encoder more.
        with self._encoding:
            embeddings = self._embed(decode_image(image.data))
        self._remember(image.digest, embeddings)
        return embeddings

    def _recent(self, digest: str) -> Tensor | None:
        with self._lock:
            found = self._cache.get(digest)
            if found is not None:
                self._cache.move_to_end(digest)
            return found

    def _remember(self, digest: str, embeddings: Tensor) -> None:
        with self._lock:
            self._cache[digest] = embeddings
            while sum(each.nbytes for each in self._cache.values()) > self._cache_bytes:
                self._cache.popitem(last=False)

    @torch.inference_mode()
    def _embed(self, picture: Image.Image) -> Tensor:
        pixels = process(picture, self.config)
        batches = [*torch.split(pixels.crops, _CROPS_AT_ONCE), pixels.whole]
        embedded = [
            self._projector(self._encoder(batch.to(self._device))).flatten(0, 1)
            for batch in batches
            if batch.shape[0]
        ]
        return torch.cat(embedded)
