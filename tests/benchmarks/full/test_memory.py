from dataclasses import replace

import pytest
import torch

from benchmarks.serving.full.config import SettingError
from benchmarks.serving.full.memory import (
    RESERVED,
    attention_bytes,
    check_memory,
    ffn_bytes,
    largest_batch,
    largest_layers,
    needs,
)
from benchmarks.serving.full.weights import Weights, draw_weights
from tests.benchmarks.full.cases import devices, mini, step_of, whole


def held_bytes(thing, seen):
    """Of all tensors that an object holds, each storage once."""
    if isinstance(thing, torch.Tensor):
        storage = thing.untyped_storage()
        size = 0 if storage.data_ptr() in seen else storage.nbytes()
        seen.add(storage.data_ptr())
        return size
    if isinstance(thing, dict):
        return sum(held_bytes(each, seen) for each in thing.values())
    if isinstance(thing, list | tuple):
        return sum(held_bytes(each, seen) for each in thing)
    if hasattr(thing, "__dict__") and type(thing).__module__.startswith(("benchmarks", "regard")):
        return held_bytes(vars(thing), seen)
    return 0


def test_what_a_larger_batch_holds_more_is_within_what_it_is_said_to_need_more():
    small, large = (mini(batch=batch, context=256) for batch in (8, 24))
    found = [step_of(config) for config in (small, large)]
    for part, least, said in (("attention", 0.9, attention_bytes), ("ffn", 0.3, ffn_bytes)):
        less, more = (held_bytes(getattr(step, part)[0].side, set()) for step in found)
        needed = said(large) - said(small)
        # Plain torch has no scratch.
        assert least * needed < more - less <= needed, part
        assert less <= said(small) - RESERVED, part


def test_the_whole_model_is_317_gigabytes():
    config = whole(batch=4, num_microbatches=1, context=64)
    total = 4 * (ffn_bytes(config) - RESERVED) + attention_bytes(config) - RESERVED
    assert 317e9 < total < 325e9


def test_too_little_memory_is_refused_with_what_is_needed_and_what_fits():
    config = whole(1, 3, batch=128)
    with pytest.raises(
        SettingError, match=r"104\.\d GB on each FFN GPU.*--layers \d\d is the most"
    ):
        check_memory(config, 85e9)
    with pytest.raises(SettingError, match=r"at most \d+ sequences a micro-batch fit"):
        check_memory(replace(config, batch=960), 150e9)
    check_memory(config, 150e9)


def test_the_largest_batch_fits_and_the_next_does_not():
    config = whole(num_microbatches=2, context=8192)
    batch = largest_batch(config, 150e9)
    assert batch is not None
    assert max(vars(needs(replace(config, batch=batch))).values()) <= 150e9
    unit = 4 * replace(config, batch=batch).num_chunks
    assert max(vars(needs(replace(config, batch=batch + unit))).values()) > 150e9


def test_the_most_layers_fit_and_one_more_does_not():
    config = whole(1, 3, batch=64)
    count = largest_layers(config, 85e9)
    assert needs(config.shortened(count)).ffn <= 85e9 < needs(config.shortened(count + 1)).ffn
    assert largest_layers(config, 1e9) == 0


def test_weights_are_drawn_once_for_all_cases():
    config = mini()
    made = draw_weights(config, *devices(config))
    assert isinstance(made, Weights)
    steps = [step_of(each, weights=made) for each in (config, replace(config, batch=8))]
    assert all(step.ffn[1].side.layers is made.ffn[1] for step in steps)
