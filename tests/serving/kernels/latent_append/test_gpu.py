import pytest
import torch

from regard.serving.kernels.block_scaled.reference import dequantise_rows
from regard.serving.kernels.latent_append.reference import latent_append_reference
from tests.serving.kernels.block_scaled.operands import nan
from tests.serving.kernels.devices import gpu, relative_error
from tests.serving.kernels.latent_append.steps import Step

__all__ = ["gpu"]

ROUNDING = 5e-3
BORDERS = [0, 63, 64, 127, 128, 191, 1]


def run_gpu(step, rows, latent, device):
    from regard.serving.kernels.latent_append.gpu import latent_append_gpu

    values = nan((rows, latent), device, torch.float8_e4m3fn)
    scales = nan((latent // 128, rows), device)
    step.run(latent_append_gpu, step.cache, out=values, scales=scales)
    return values, scales


@pytest.mark.gpu
@pytest.mark.parametrize("num_parts", [1, 6])
@pytest.mark.parametrize(("rows", "latent"), [(1, 128), (3, 256), (33, 2048), (191, 2048)])
def test_queries_and_cache_agree_with_the_reference(rows, latent, num_parts, gpu):
    step = Step(gpu, rows, latent=latent, num_parts=num_parts)
    expected_cache = step.cache.clone()
    expected = dequantise_rows(*step.run(latent_append_reference, expected_cache))
    found = dequantise_rows(*run_gpu(step, rows, latent, gpu))
    assert relative_error(found, expected) < ROUNDING
    assert relative_error(step.cache.float(), expected_cache.float()) < ROUNDING


@pytest.mark.gpu
def test_a_needle_lands_in_its_page_and_slot_and_nowhere_else(gpu):
    step = Step(gpu, len(BORDERS), latent=256, positions=BORDERS, num_parts=2)
    before = step.cache.float().clone()
    # Row r's key is r + 1 and its value -(r + 1) in every dimension, in the cache's own units;
    # they are not turned, and e4m3 has them exactly.
    step.cos.fill_(1)
    step.sin.fill_(0)
    number = torch.arange(1, len(BORDERS) + 1, device=gpu).float()[:, None]
    step.parts.zero_()
    step.parts[0, :, :256] = 1
    step.parts[0, :, 256:512] = number * step.k_scale / 2
    step.parts[1, :, 256:512] = number * step.k_scale / 2
    step.parts[1, :, 512:] = -number * step.v_scale
    run_gpu(step, len(BORDERS), 256, gpu)
    for row, position in enumerate(BORDERS):
        page = int(step.table[row, position // 64])
        before[page, 0, position % 64] = row + 1
        before[page, 1, position % 64] = -(row + 1)
    assert torch.equal(step.cache.float(), before)


@pytest.mark.gpu
def test_what_is_too_large_becomes_448(gpu):
    step = Step(gpu, 1, latent=256, positions=[5])
    step.parts[:, :, 512:] = -1e6
    run_gpu(step, 1, 256, gpu)
    assert (step.cache[int(step.table[0, 0]), 1, 5].float() == -448).all()
