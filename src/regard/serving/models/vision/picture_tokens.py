"""What stands for a picture in a prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

from regard.serving.errors import WeightsError
from regard.serving.models.config import ModelConfig
from regard.serving.models.step3_config import Step3Config
from regard.serving.models.vision.config import VisionConfig
from regard.serving.models.vision.cropping import CropPlan, Size, plan_crops
from regard.serving.tokenizer import Tokenizer

PLACEHOLDER = "<im_patch>"


@dataclass(frozen=True)
class PictureTokens:
    """The tokens around and in place of pictures; needs no weights."""

    config: VisionConfig
    """Sizes."""
    placeholder: int
    """Stands where an embedding of the picture goes."""
    image_marks: tuple[int, int]
    """Before and after the whole picture."""
    crop_marks: tuple[int, int]
    """Before and after a crop."""
    newline: int
    """After each row of crops but the last."""

    @classmethod
    def of(cls, config: VisionConfig, tokenizer: Tokenizer, model: str) -> "PictureTokens":
        """Look the tokens up.

        Raises:
            WeightsError: the tokenizer lacks one, or spells the placeholder otherwise than the
                configuration.
        """

        def find(name: str) -> int:
            found = tokenizer.backend.token_to_id(name)
            if found is None:
                raise WeightsError(model, f"a model with vision, but its tokenizer has no {name}")
            return int(found)

        placeholder = find(PLACEHOLDER)
        if config.image_token_id not in (None, placeholder):
            raise WeightsError(
                model,
                f"image_token_id is {config.image_token_id}, but the tokenizer has {PLACEHOLDER} "
                f"as {placeholder}",
            )
        return cls(
            config,
            placeholder,
            (find("<im_start>"), find("<im_end>")),
            (find("<patch_start>"), find("<patch_end>")),
            find("<patch_newline>"),
        )

    @property
    def placeholder_text(self) -> str:
        """How a prompt says in text that a picture stands here."""
        return PLACEHOLDER

    def plan(self, size: Size) -> CropPlan:
        """How a picture of this size is cut."""
        return plan_crops(size, self.config)

    def count(self, size: Size) -> int:
        """How many tokens `layout` gives, without making them."""
        plan = self.plan(size)
        newlines = max(0, plan.rows - 1)
        crops = plan.num_crops * (self.config.num_crop_tokens + 2)
        return crops + newlines + self.config.num_image_tokens + 2

    def layout(self, size: Size) -> list[int]:
        """The tokens of a picture of this size: its crops row by row, then the whole."""
        plan = self.plan(size)
        crop = self._marked(self.crop_marks, self.config.num_crop_tokens)
        tokens: list[int] = []
        for row in range(plan.rows):
            tokens += crop * plan.columns
            if row < plan.rows - 1:
                tokens.append(self.newline)
        return tokens + self._marked(self.image_marks, self.config.num_image_tokens)

    def places(self, tokens: Sequence[int]) -> list[int]:
        """Indices of the placeholders, in the order of the picture's embeddings."""
        return [index for index, token in enumerate(tokens) if token == self.placeholder]

    def _marked(self, marks: tuple[int, int], count: int) -> list[int]:
        return [marks[0], *[self.placeholder] * count, marks[1]]


def find_picture_tokens(
    config: ModelConfig, tokenizer: Tokenizer, model: str
) -> PictureTokens | None:
    """The picture tokens of a model; None where it takes text only.

    Raises:
        WeightsError: see `PictureTokens.of`.
    """
    if not isinstance(config, Step3Config) or config.vision is None:
        return None
    return PictureTokens.of(config.vision, tokenizer, model)
