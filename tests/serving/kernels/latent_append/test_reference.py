import math

import pytest
import torch

from regard.serving.kernels.block_scaled.reference import dequantise_rows
from regard.serving.kernels.latent_append.reference import latent_append_reference, rotate
from tests.serving.kernels.devices import relative_error
from tests.serving.kernels.latent_append.steps import Step


def test_pairs_are_turned_as_complex_numbers():
    generator = torch.Generator().manual_seed(0)
    x, theta = torch.randn(3, 8, generator=generator), torch.rand(3, 4, generator=generator) * 6
    found = rotate(x, theta.cos(), theta.sin())
    turned = torch.complex(x[:, :4].double(), x[:, 4:].double()) * torch.exp(1j * theta.double())
    assert relative_error(found, torch.cat((turned.real, turned.imag), 1)) < 1e-6


def test_queries_agree_with_float64():
    step = Step("cpu", 3, latent=256)
    values, scales = step.run(latent_append_reference, step.cache)
    query = step.parts.double().sum(0)[:, :256]
    length = (query.square().sum(1, keepdim=True) / 256 + step.eps).sqrt()
    expected = query / length * step.weight.double()
    assert relative_error(dequantise_rows(values, scales), expected) < 4e-2


@pytest.mark.parametrize("positions", [[0, 63, 64, 127, 189]])
def test_only_the_new_tokens_places_are_written(positions):
    step = Step("cpu", len(positions), latent=256, positions=positions)
    before = step.cache.float().clone()
    step.run(latent_append_reference, step.cache)
    after, total = step.cache.float(), step.parts.double().sum(0)
    for row, position in enumerate(positions):
        page, slot = int(step.table[row, position // 64]), position % 64
        low, high = total[row, 256:512].chunk(2)
        cos, sin = step.cos[row].double(), step.sin[row].double()
        key = torch.cat((low * cos - high * sin, high * cos + low * sin)) / step.k_scale
        value = total[row, 512:] / step.v_scale
        for kind, expected in ((0, key), (1, value)):
            found = after[page, kind, slot].double()
            bound = expected.abs().clamp(max=448) / 16 + 2**-10
            assert ((found - expected.clamp(-448, 448)).abs() <= bound * 1.001).all()
            before[page, kind, slot] = after[page, kind, slot]
    assert torch.equal(before, after)


def test_what_is_too_large_becomes_448():
    step = Step("cpu", 1, latent=256, positions=[5])
    step.parts[:, :, 512:] = math.copysign(1e6, -1)
    step.run(latent_append_reference, step.cache)
    assert (step.cache[step.table[0, 0], 1, 5].float() == -448).all()
