"""One suite over all links."""

import threading
from functools import partial

import pytest
import torch

from regard.serving.afd.link.contract import Key
from tests.serving.afd.link.networks import (
    LAYERS,
    LINKS,
    MAX_ROWS,
    MICROBATCHES,
    expected,
    rows_of,
)
from tests.serving.afd.link.processes import connected_gpus


def needs(num_gpus, mark):
    is_short = torch.cuda.device_count() < num_gpus
    return [mark, pytest.mark.skipif(is_short, reason=f"fewer than {num_gpus} CUDA devices")]


LINKS_OF_GPUS = [
    pytest.param("peer", marks=needs(1, pytest.mark.gpu)),
    pytest.param("nccl", marks=needs(2, pytest.mark.multi_gpu)),
]


@pytest.fixture(params=[*LINKS, *LINKS_OF_GPUS])
def link(request):
    return LINKS.get(request.param) or partial(connected_gpus, kind=request.param)


@pytest.mark.parametrize("num_ffn", [1, 3])
@pytest.mark.parametrize("count", [1, 5, MAX_ROWS])
def test_the_results_of_all_instances_are_added_up_in_float32(link, num_ffn, count):
    with link(1, num_ffn, "float32") as (end,):
        for layer in range(LAYERS):
            rows = rows_of(count, seed=layer)
            end.send(Key(1, layer, 0), rows)
            got = end.receive(Key(1, layer, 0))
            assert got.dtype == torch.float32
            torch.testing.assert_close(got, expected(rows, layer, num_ffn), rtol=1e-5, atol=1e-3)


def test_uneven_micro_batches_under_way_together_do_not_mix(link):
    with link(1, 2, "float32") as (end,):
        for layer in range(LAYERS):
            batches = [rows_of(count, seed=count) for count in (MAX_ROWS, 1, 7)]
            for microbatch, rows in enumerate(batches):
                end.send(Key(1, layer, microbatch), rows)
            for microbatch in reversed(range(MICROBATCHES)):
                got = end.receive(Key(1, layer, microbatch))
                want = expected(batches[microbatch], layer, 2)
                torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-3)


def test_dense_layers_carry_no_routing(link):
    with link(1, 1, "float32") as (end,):
        rows = rows_of(4, top_k=0)
        end.send(Key(1, 2, 0), rows)
        torch.testing.assert_close(end.receive(Key(1, 2, 0)), rows.x * 3)


def test_fp8_stays_within_its_bound(link):
    with link(1, 1, "fp8") as (end,):
        rows = rows_of(16)
        end.send(Key(1, 0, 0), rows)
        got, want = end.receive(Key(1, 0, 0)), expected(rows, 0, 1)
    # Rows to 3 bits of mantissa, results to 8: about 2^-4 at the worst, 2.6 % in the mean.
    assert ((got - want).norm() / want.norm()).item() < 0.04
    assert not torch.equal(got, want)


def test_attention_instances_get_their_own_rows_back(link):
    with link(3, 2, "float32") as ends:
        problems = []

        def run(index, end):
            for step in range(1, 4):
                for layer in range(LAYERS):
                    rows = rows_of(index + 1, seed=100 * index + step)
                    end.send(Key(step, layer, 0), rows)
                    got = end.receive(Key(step, layer, 0))
                    if not torch.allclose(got, expected(rows, layer, 2), rtol=1e-5, atol=1e-3):
                        problems.append((index, step, layer))

        if link is LINKS["in_process"]:
            for index, end in enumerate(ends):
                run(index, end)
        else:
            threads = [threading.Thread(target=run, args=pair) for pair in enumerate(ends)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert problems == []


def test_a_step_that_was_given_up_does_not_disturb_the_next(link):
    with link(1, 1, "float32") as (end,):
        end.send(Key(1, 0, 0), rows_of(9, seed=1))
        rows = rows_of(3, seed=2)
        end.send(Key(2, 0, 0), rows)
        got = end.receive(Key(2, 0, 0))
        torch.testing.assert_close(got, expected(rows, 0, 1), rtol=1e-5, atol=1e-3)
