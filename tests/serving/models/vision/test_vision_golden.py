"""The vision side against what vLLM's and SGLang's own modules gave; golden/README.md says how."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from regard.serving.models.numerics import choose_numerics
from regard.serving.models.safetensors_directory import SafetensorsDirectory
from regard.serving.models.vision import vision_model
from regard.serving.models.vision.config import VisionConfig, vision_from_hf
from regard.serving.models.vision.cropping import Size
from regard.serving.models.vision.encoder import VisionEncoder
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.models.vision.processor import PicturePixels, process
from regard.serving.models.vision.projector import Projector
from regard.serving.prompt_image import PromptImage
from tests.serving.tiny_vision import encoded

GOLDEN = Path(__file__).parents[1] / "golden"
OUTPUTS = load_file(GOLDEN / "outputs.safetensors")
DATA = json.loads((GOLDEN / "golden.json").read_text(encoding="utf-8"))
NUMERICS = choose_numerics("exact", "cpu", "auto")
TENSORS = SafetensorsDirectory(GOLDEN / "weights").tensors()
PIXELS = {name: OUTPUTS[f"input.{name}s"].float() / 32 for name in ("image", "crop")}
# vLLM takes the epsilon from the configuration, SGLang has it fixed.
EPSILON = {"vllm": 1e-5, "sglang": 1e-6}
STRIDES = (1, 2)
TOLERANCE = 1e-5


def config(library: str = "vllm", stride: int = 2) -> VisionConfig:
    read = vision_from_hf(DATA["config"], GOLDEN, text_hidden_size=64)
    side = PIXELS["crop"].shape[-1]
    return replace(read, crop_size=side, projector_stride=stride, layer_norm_eps=EPSILON[library])


def picture_tokens(vision: VisionConfig) -> PictureTokens:
    ids = DATA["processor_tokens"]
    return PictureTokens(
        vision,
        placeholder=ids["<im_patch>"],
        image_marks=(ids["<im_start>"], ids["<im_end>"]),
        crop_marks=(ids["<patch_start>"], ids["<patch_end>"]),
        newline=ids["<patch_newline>"],
    )


def error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Largest difference, relative to the largest value."""
    assert ours.shape == theirs.shape
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


@pytest.mark.parametrize("what", PIXELS)
@pytest.mark.parametrize("library", EPSILON)
def test_the_encoder_gives_the_library_s_rows(library, what):
    with torch.inference_mode():
        rows = VisionEncoder(config(library), TENSORS, NUMERICS)(PIXELS[what])
    # The goldens keep the class rows, which the encoder has dropped.
    assert error(rows[:1], OUTPUTS[f"{library}.vision.{what}.layer.1"][:, 4:]) < TOLERANCE


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("what", PIXELS)
@pytest.mark.parametrize("library", EPSILON)
def test_the_projector_gives_the_library_s_embeddings(library, what, stride):
    sizes = config(library, stride)
    with torch.inference_mode():
        rows = VisionEncoder(sizes, TENSORS, NUMERICS)(PIXELS[what])
        embeddings = Projector(sizes, TENSORS, NUMERICS)(rows)
    expected = OUTPUTS[f"{library}.vision.{what}.projected.stride{stride}"]
    assert error(embeddings, expected) < TOLERANCE


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("library", EPSILON)
def test_the_embeddings_of_a_picture_stand_in_the_library_s_order(monkeypatch, library, stride):
    sizes = config(library, stride)
    # Stand-ins, told apart by their width: the first picture has both crops, the second has none.
    crops = {1: PIXELS["crop"], 2: PIXELS["crop"][:0]}
    wholes = dict(zip(crops, PIXELS["image"].split(1), strict=True))
    monkeypatch.setattr(
        vision_model,
        "process",
        lambda stand_in, _: PicturePixels(crops[stand_in.width], wholes[stand_in.width]),
    )
    seeing = vision_model.VisionModel(picture_tokens(sizes), TENSORS, NUMERICS, cache_bytes=0)
    files = [encoded(Image.new("RGB", (width, 1))) for width in crops]
    embedded = torch.cat([seeing.embed(PromptImage(file, 0, 0)) for file in files])
    assert error(embedded, OUTPUTS[f"{library}.vision.merged.stride{stride}"]) < TOLERANCE


def test_another_epsilon_is_seen():
    with torch.inference_mode():
        rows = VisionEncoder(config("sglang"), TENSORS, NUMERICS)(PIXELS["image"])
    assert error(rows[:1], OUTPUTS["vllm.vision.image.layer.1"][:, 4:]) > 10 * TOLERANCE


SIZES = [tuple(row["size"]) for row in DATA["pictures"]]
# What SGLang's processor answers where it is not what vLLM's does.
SGLANG = [row.get("sglang", row) for row in DATA["pictures"]]


def test_the_libraries_disagree_where_the_longest_side_is_728_and_nowhere_else():
    others = [tuple(row["size"]) for row in DATA["pictures"] if "sglang" in row]
    assert others == [size for size in SIZES if max(size) == 728]
    assert len(others) == 4


@pytest.mark.parametrize(("size", "answer"), list(zip(SIZES, SGLANG, strict=True)), ids=str)
def test_pictures_are_cut_and_laid_out_as_sglang_does(size, answer):
    tokens = picture_tokens(VisionConfig(text_hidden_size=64))
    plan = tokens.plan(Size(*size))
    boxes = [[x, y, x + plan.window, y + plan.window] for x, y in plan.corners()]
    assert boxes == answer["crop_boxes"]
    assert list(plan.scaled) == answer["whole_size"]
    if boxes:
        assert list(plan.canvas) == answer["crop_canvas"]
    layout = [token for token, count in answer["token_runs"] for _ in range(count)]
    assert tokens.layout(Size(*size)) == layout
    assert tokens.count(Size(*size)) == answer["num_tokens"]


def picture(width: int, height: int) -> Image.Image:
    x, y = np.arange(width)[None, :, None], np.arange(height)[:, None, None]
    values = 3 * x + 2 * y + 40 * np.arange(3) + x * y // 16
    return Image.fromarray((values % 256).astype(np.uint8))


@pytest.mark.parametrize("size", [(50, 30), (728, 728), (900, 500), (20, 300)])
def test_pixels_are_the_library_s(size):
    pixels = process(picture(*size), VisionConfig(text_hidden_size=64))
    name = f"vllm.pixels.{size[0]}x{size[1]}"
    assert error(pixels.whole[0, :, 3::29, 5::29], OUTPUTS[f"{name}.whole"]) < TOLERANCE
    crops = OUTPUTS.get(f"{name}.crops")
    if crops is None:
        assert pixels.crops.shape[0] == 0
    else:
        assert error(pixels.crops[:, :, 3::42, 5::42], crops) < TOLERANCE
