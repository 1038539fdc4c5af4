import torch

from benchmarks.serving.full.draw import Draw, empty_weight, part
from benchmarks.serving.full.layout import Share
from benchmarks.serving.full.weights import draw_attention_layer, draw_ffn_layer
from regard.serving.kernels.block_scaled.reference import dequantise_weight
from tests.benchmarks.full.cases import CPU, MINI, mini

HIDDEN, WIDTH = MINI.hidden_size, MINI.moe_intermediate_size


def wide(weight):
    return dequantise_weight(weight.values, weight.scales)


def assembled(num_ffn, position):
    """The whole layer: gate, up and down of each expert, then of what all tokens meet."""
    config = mini(num_ffn=num_ffn)
    experts, slices = {}, []
    for index in range(num_ffn):
        share, layer = Share.of(config, index), draw_ffn_layer(config, index, position, CPU)
        gated = wide(layer.gated)
        rows = 0 if layer.down is None else 2 * WIDTH * len(share.experts)
        for place, expert in enumerate(share.experts if rows else ()):
            down = wide(layer.down).view(-1, HIDDEN, WIDTH)[place]
            experts[expert] = (*gated[:rows].view(-1, 2, WIDTH, HIDDEN)[place], down)
        slices.append((*gated[rows:].chunk(2), wide(layer.shared_down)))
    gate, up, down = zip(*slices, strict=True)
    return experts, torch.cat(gate), torch.cat(up), torch.cat(down, dim=1)


def test_every_number_of_ffn_gpus_holds_the_same_layer():
    for position in (0, 1):
        one, *rest = assembled(1, position)
        for num_ffn in (2, 3):
            other, *others = assembled(num_ffn, position)
            assert one.keys() == other.keys()
            assert len(one) == (16 if position else 0)
            for expert, matrices in one.items():
                assert all(map(torch.equal, matrices, other[expert]))
            assert all(map(torch.equal, rest, others))


def test_layers_and_seeds_differ():
    layers = [draw_attention_layer(mini(), i, CPU) for i in (0, 1)]
    other = draw_attention_layer(mini(seed=1), 0, CPU)
    values = [wide(each.out) for each in (*layers, other)]
    assert not torch.equal(values[0], values[1])
    assert not torch.equal(values[0], values[2])
    assert torch.equal(values[0], wide(draw_attention_layer(mini(), 0, CPU).out))


def test_products_with_unit_rows_have_the_gain_asked_for_in_parts_too():
    draw = Draw(0, CPU)
    x = torch.randn(512, 1024)
    whole = draw.weight(256, 1024, 3.0, 1)
    assert abs((x @ wide(whole).T).std() / 3.0 - 1) < 0.05
    half = empty_weight(256, 512, CPU)
    draw.fill(half, 3.0, 1024, 2)
    assert abs((x[:, :512] @ wide(half).T).std() / (3.0 / 2**0.5) - 1) < 0.05


def test_a_part_has_the_scales_of_its_blocks():
    weight = Draw(0, CPU).weight(384, 256, 1.0, 3)
    piece = part(weight, slice(128, 256), slice(128, 256))
    assert torch.equal(wide(piece), wide(weight)[128:256, 128:256])
