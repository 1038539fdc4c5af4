import pytest

from benchmarks.serving.slice import gap
from benchmarks.serving.slice.gap import Kernel, Side

SIDE = Side("attention", 0, "_latent_append_kernel", 2, weight_bytes=3e6, kv_bytes=1e6)
SPEED = 1e12
"""Bytes a second: a roofline of 3 us of weights and 1 us of keys and values."""


def stage(start):
    """20 us: 2 of norm, 6 and 1 of products, a gap of 1, 5 of attention; then 5 of waiting."""
    return [
        Kernel("_sum_norm_quantise_kernel", 0, start, start + 2),
        # Launched early: what it waits for its predecessor is not its own time.
        Kernel("void block_scaled_kernel<0>(CUtensorMap)", 0, start + 1, start + 8),
        Kernel("_latent_append_kernel", 0, start + 8, start + 9),
        Kernel("mfa_decode_kernel", 0, start + 10, start + 15),
        # The other side: its transfer is on the wire for two of the five.
        Kernel("_hold_kernel", 1, start + 16, start + 18),
        Kernel("gated", 1, start, start + 20),
        # Transfers of this side are no work.
        Kernel("_hold_kernel", 0, start + 15, start + 19),
    ]


def step(count=5):
    kernels = [each for number in range(count) for each in stage(20.0 * number)]
    return sorted(kernels, key=lambda each: each.begin)


def test_every_microsecond_of_a_stage_has_one_cause():
    found = gap.split(step(), SIDE, 1, 4, SPEED)
    assert found.num_stages == 3
    assert found.stage == pytest.approx(20)
    assert dict(found.causes) == pytest.approx(
        {
            "roofline: weights": 3,
            "roofline: KV": 1,
            "weights": 6 - 3,
            "KV": 5 - 1,
            "compute": 2 + 1,
            "launch": 1,
            "wire": 2,
            "imbalance": 3,
        }
    )
    assert sum(found.causes.values()) == pytest.approx(found.stage)
    assert found.kernels["block_scaled_kernel<0>"] == pytest.approx(6)


def test_the_router_beside_the_next_stage_moves_no_border():
    kernels = [
        *step(),
        Kernel("_router_kernel", 0, 39.5, 40.5),
        Kernel("_choose_kernel", 0, 42, 43),
    ]
    kernels.sort(key=lambda each: each.begin)
    starts = gap.stage_starts(kernels, SIDE)
    assert [each.begin for each in starts] == [0, 20, 40, 60, 80]
    found = gap.split(kernels, SIDE, 1, 4, SPEED)
    assert sum(found.causes.values()) == pytest.approx(20)


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (2, 2), (1, 5)])
def test_stages_that_the_step_lacks_are_refused(first, last):
    with pytest.raises(ValueError, match="of 5 on the attention GPU"):
        gap.split(step(), SIDE, first, last, SPEED)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("void block_scaled_kernel<2>(CUtensorMap)", "weights"),
        ("void deep_gemm::sm90_fp8_gemm_1d2d_impl<1u>()", "weights"),
        ("void cutlass::device_kernel<flash::FlashAttnFwdSm90<X>>()", "KV"),
        ("mfa_decode_kernel", "KV"),
        ("_permute_kernel", "compute"),
    ],
)
def test_kernels_count_as(name, cause):
    assert gap.cause_of(Kernel(name, 0, 0, 1)) == cause


def test_only_what_ran_on_gpus_is_read_from_a_trace_in_order():
    events = [
        {"cat": "kernel", "name": "b", "ts": 5, "dur": 2, "args": {"device": 1}},
        {"cat": "cuda_runtime", "name": "launch", "ts": 0, "dur": 9},
        {"name": "process_name", "ph": "M"},
        {"cat": "gpu_memcpy", "name": "Memcpy HtoD", "ts": 1, "dur": 3, "args": {"device": 0}},
        {"cat": "gpu_memcpy", "name": "Memcpy PtoP", "ts": 2, "dur": 3, "args": {"stream": 7}},
    ]
    assert gap.kernels_of(events) == [Kernel("Memcpy HtoD", 0, 1, 4), Kernel("b", 1, 5, 7)]


def test_a_stage_may_begin_where_another_ended():
    side = Side("FFN", 1, "_sum_kernel", -1, weight_bytes=0, kv_bytes=0)
    kernels = []
    for start in (0.0, 30.0, 60.0):
        kernels += [
            Kernel("block_scaled_kernel<2>", 1, start, start + 9),
            Kernel("_permute_kernel", 1, start + 2, start + 4),
            Kernel("_sum_kernel", 1, start + 9, start + 10),
        ]
    # The last sum ends the trace: nothing begins after it.
    assert [each.begin for each in gap.stage_starts(kernels, side)] == [30, 60]


def test_a_table_shows_all_causes_of_all_sides():
    found = gap.split(step(), SIDE, 1, 4, SPEED)
    text = gap.describe([found, found])
    for cause in gap.CAUSES:
        assert f"\n{cause}" in text
    assert "stage                           20.0        20.0" in text
