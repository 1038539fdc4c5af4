"""The encoder against float64 written out from its formulas, with torch's own convolution."""

import pytest
import torch
import torch.nn.functional as F

from regard.serving.models.numerics import choose_numerics
from regard.serving.models.vision.encoder import VisionEncoder, resize_positions
from tests.serving.models.vision.resampling import cubic, matrix
from tests.serving.tiny_vision import model_config, random_weights

CONFIG = model_config().vision
EXACT = choose_numerics("exact", "cpu", "auto")


def weights() -> dict[str, torch.Tensor]:
    """Norms that are not all ones."""
    noise = torch.Generator().manual_seed(5)
    drawn = random_weights()
    return {
        name: tensor + 0.3 * torch.randn(tensor.shape, generator=noise)
        if "norm" in name
        else tensor
        for name, tensor in drawn.items()
    }


def norm(x, weight, bias):
    centred = x - x.mean(-1, keepdim=True)
    return (
        centred / (centred.pow(2).mean(-1, keepdim=True) + CONFIG.layer_norm_eps).sqrt() * weight
        + bias
    )


def attention(x, w):
    rows, width = x.shape
    heads, dim = CONFIG.num_heads, width // CONFIG.num_heads
    qkv = x @ w["self_attn.qkv_proj.weight"].T + w["self_attn.qkv_proj.bias"]
    out = torch.empty_like(x)
    for head in range(heads):
        q, k, v = (qkv[:, part * width + head * dim :][:, :dim] for part in range(3))
        out[:, head * dim : (head + 1) * dim] = (q @ k.T / dim**0.5).softmax(-1) @ v
    return out @ w["self_attn.out_proj.weight"].T + w["self_attn.out_proj.bias"]


def mlp(x, w):
    hidden = x @ w["mlp.fc1.weight"].T + w["mlp.fc1.bias"]
    hidden = hidden / (1 + (-1.702 * hidden).exp())
    return hidden @ w["mlp.fc2.weight"].T + w["mlp.fc2.bias"]


def reference(tensors, pixels, *, norm_first=False, class_rows=4):
    """One picture; the options plant the usual misreadings."""
    t = {name: tensor.double() for name, tensor in tensors.items()}
    own = "vision_model.embeddings"
    square = F.conv2d(
        pixels.double()[None],
        t[f"{own}.patch_embedding.weight"],
        t[f"{own}.patch_embedding.bias"],
        stride=CONFIG.patch_size,
    )[0]
    table, grid = t[f"{own}.position_embedding.weight"], square.shape[-1]
    positions = resize_positions(table[1:].float(), grid).double()
    first = t[f"{own}.class_embedding"] + table[:1]
    x = torch.cat([first] * class_rows + [square.flatten(1).T + positions])
    for layer in range(CONFIG.num_layers):
        prefix = f"vision_model.transformer.layers.{layer}."
        w = {n.removeprefix(prefix): v for n, v in t.items() if n.startswith(prefix)}
        for number, part in ((1, attention), (2, mlp)):
            scale = (w[f"layer_norm{number}.weight"], w[f"layer_norm{number}.bias"])
            x = x + (part(norm(x, *scale), w) if norm_first else norm(part(x, w), *scale))
    return x[class_rows:]


@pytest.fixture(scope="module")
def tensors():
    return weights()


@pytest.mark.parametrize("side", [CONFIG.image_size, CONFIG.crop_size])
@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_the_encoder_follows_its_formulas(tensors, side: int, mode):
    pixels = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    encoder = VisionEncoder(CONFIG, tensors, choose_numerics(mode, "cpu", "auto"))
    rows = encoder(pixels)
    for picture in range(2):
        expected = reference(tensors, pixels[picture])
        assert (rows[picture] - expected).abs().max() < 2e-4 * expected.abs().max()


@pytest.mark.parametrize("misreading", [{"norm_first": True}, {"class_rows": 1}])
def test_a_misreading_would_be_seen(tensors, misreading):
    pixels = torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    rows = VisionEncoder(CONFIG, tensors, EXACT)(pixels)[0]
    wrong = reference(tensors, pixels[0], **misreading)
    assert (rows - wrong).abs().max() > 2e-3 * wrong.abs().max()


def test_positions_of_the_trained_square_stay_as_they_are():
    table = torch.randn(144, 32)
    assert resize_positions(table, 12) is table


def test_resized_positions_keep_their_direction():
    # A ramp from left to right stays one, and its middle stays in the middle.
    ramp = torch.arange(12.0).repeat(12)[:, None]
    resized = resize_positions(ramp, 8)[:, 0].view(8, 8)
    assert torch.allclose(resized[0], resized[5], atol=1e-5)
    assert (resized[0].diff() > 0).all()
    assert resized.mean() == pytest.approx(5.5, abs=1e-4)


@pytest.mark.parametrize("grid", [8, 5, 17])
def test_positions_are_resized_by_a_cubic_filter_as_wide_as_what_it_shrinks(grid: int):
    table = torch.randn(144, 3, generator=torch.Generator().manual_seed(2))
    weights = matrix(12, grid, cubic)
    square = table.double().T.reshape(3, 12, 12)
    expected = (weights @ square @ weights.T).flatten(1).T
    assert (resize_positions(table, grid) - expected).abs().max() < 1e-5


def test_a_result_depends_on_no_neighbour_and_no_number_of_threads(tensors):
    encoder = VisionEncoder(CONFIG, tensors, EXACT)
    pixels = torch.randn(3, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    together = encoder(pixels)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            assert torch.equal(encoder(pixels[1:2])[0], together[1])
    finally:
        torch.set_num_threads(before)
