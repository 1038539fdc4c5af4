"""A tiny Step-3 that sees: random weights in a directory of the official layout, and pictures."""

import io
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import AddedToken

from regard.serving.models.step3_config import Step3Config, step3_from_hf
from regard.serving.models.weights import random_tensors, tensor_shapes
from regard.serving.tokenizer import Tokenizer
from tests.serving.tiny import CHAT_TEMPLATE, byte_tokenizer

NAMES = ("<im_patch>", "<im_start>", "<im_end>", "<patch_start>", "<patch_end>", "<patch_newline>")
FIRST_ID = 260
TEXT = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "vocab_size": FIRST_ID + len(NAMES),
    "rms_norm_eps": 1e-5,
    "moe_intermediate_size": 32,
    "moe_num_experts": 6,
    "moe_top_k": 3,
    "share_q_dim": 48,
    "head_dim": 32,
    "share_expert_dim": 32,
    "moe_layers_enum": "1",
    "max_position_embedding": 512,
    "eos_token_id": 256,
}
# A whole picture is 12 x 12 patches, then 6 x 6, then 9 tokens; a crop 8 x 8, 4 x 4, 4 tokens.
VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "patch_size": 4,
    "image_size": 48,
    "crop_size": 32,
    "max_side": 128,
    "output_hidden_size": 16,
    "hidden_act": "quick_gelu",
}
CONFIG = {
    "architectures": ["Step3VLForConditionalGeneration"],
    "text_config": TEXT,
    "vision_config": VISION,
    "understand_projector_stride": 2,
    "image_token_id": FIRST_ID,
}
SCALE = 6.0


def model_config() -> Step3Config:
    return step3_from_hf(CONFIG, Path("config.json"))


def seeing_tokenizer() -> Tokenizer:
    plain = byte_tokenizer()
    marks = [AddedToken(name, special=True, normalized=False) for name in NAMES]
    plain.backend.add_tokens(marks)
    return plain


def random_weights(seed: int = 0) -> dict[str, torch.Tensor]:
    """Large enough for logits to lie apart; norms are near one."""
    drawn = random_tensors(tensor_shapes(model_config()), seed=seed)
    return {
        name: tensor if "norm" in name and name.endswith("weight") else tensor * SCALE
        for name, tensor in drawn.items()
    }


def write_checkpoint(directory: Path, tensors: dict[str, torch.Tensor] | None = None) -> Path:
    """A model directory."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    seeing_tokenizer().backend.save(str(directory / "tokenizer.json"))
    options = {"chat_template": CHAT_TEMPLATE, "eos_token": "<eos>"}
    (directory / "tokenizer_config.json").write_text(json.dumps(options), encoding="utf-8")
    save_file(tensors or random_weights(), directory / "model.safetensors")
    return directory


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Coloured noise in large spots."""
    spots = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(spots).resize((width, height), Image.Resampling.NEAREST)


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """The picture as a file."""
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()
