import pytest

from regard.serving.kv_cache import KVCacheManager
from regard.serving.prompt_image import PromptImage
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams


def cache(num_blocks: int = 8, block_size: int = 4, **options) -> KVCacheManager:
    return KVCacheManager(num_blocks=num_blocks, block_size=block_size, **options)


def request(tokens: list[int], *, salt: str = "", name: str = "r") -> Request:
    return Request(name, tokens, SamplingParams(), 0.0, cache_salt=salt)


def compute(
    manager: KVCacheManager, tokens: list[int], *, salt: str = "", name: str = "r"
) -> Request:
    """A request all of whose tokens are computed and registered."""
    made = request(tokens, salt=salt, name=name)
    manager.match_prefix(made)
    manager.allocate(made, made.num_pending_tokens)
    made.num_computed_tokens = made.num_tokens
    manager.cache_full_blocks(made)
    manager.check_invariants([made])
    return made


def test_a_request_holds_just_the_blocks_it_needs():
    manager = cache()
    made = request([1] * 5)
    assert manager.can_allocate(made, 32)
    assert not manager.can_allocate(made, 33)
    manager.allocate(made, 5)
    assert len(made.block_table) == 2
    assert manager.usage == pytest.approx(0.25)
    made.num_computed_tokens = 5
    manager.allocate(made, 3)
    assert len(made.block_table) == 2
    manager.allocate(made, 4)
    assert len(made.block_table) == 3


def test_equal_beginnings_share_full_blocks():
    manager = cache()
    first = compute(manager, [1, 2, 3, 4, 5, 6, 7, 8, 9], name="a")
    second = request([1, 2, 3, 4, 5, 6, 7, 8, 0], name="b")
    assert manager.match_prefix(second) == 8
    assert second.block_table == first.block_table[:2]
    manager.check_invariants([first, second])
    manager.free(first)
    manager.check_invariants([second])
    manager.free(second)
    assert manager.num_free_blocks == 8


def test_a_block_is_found_after_its_request_has_gone():
    manager = cache()
    manager.free(compute(manager, [1, 2, 3, 4, 5]))
    again = request([1, 2, 3, 4, 9])
    assert manager.match_prefix(again) == 4
    manager.check_invariants([again])


@pytest.mark.parametrize("length", [1, 4, 5, 8])
def test_a_wholly_known_prompt_leaves_a_token_to_compute(length):
    manager = cache()
    tokens = list(range(length))
    manager.free(compute(manager, tokens))
    assert manager.match_prefix(request(tokens)) == (length - 1) // 4 * 4


def test_the_same_block_after_other_tokens_is_not_shared():
    manager = cache()
    manager.free(compute(manager, [1, 1, 1, 1, 7, 7, 7, 7, 0]))
    assert manager.match_prefix(request([2, 2, 2, 2, 7, 7, 7, 7, 0])) == 0
    assert manager.match_prefix(request([7, 7, 7, 7, 0])) == 0


def test_adapters_do_not_share():
    manager = cache()
    manager.free(compute(manager, [1, 2, 3, 4, 5], salt="lora"))
    assert manager.match_prefix(request([1, 2, 3, 4, 5])) == 0
    assert manager.match_prefix(request([1, 2, 3, 4, 5], salt="lora")) == 4


def test_the_least_recently_freed_block_is_forgotten_first():
    manager = cache(num_blocks=3)
    for number in range(3):
        manager.free(compute(manager, [number] * 4 + [9], name=str(number)))
    # Each took one kept block and gave back its second, which was never registered.
    taken = compute(manager, [5] * 8 + [9], name="new")
    manager.free(taken)
    assert manager.match_prefix(request([0] * 5)) == 0


def test_two_that_computed_the_same_leave_one_registered():
    manager = cache()
    twins = [request([1, 2, 3, 4, 5], name=name) for name in "ab"]
    for twin in twins:
        manager.match_prefix(twin)
        manager.allocate(twin, 5)
    for twin in twins:
        twin.num_computed_tokens = 5
        manager.cache_full_blocks(twin)
    manager.check_invariants(twins)
    assert twins[0].block_table[0] != twins[1].block_table[0]
    for twin in twins:
        manager.free(twin)
    found = request([1, 2, 3, 4, 0])
    assert manager.match_prefix(found) == 4
    manager.check_invariants([found])


def test_a_reset_forgets_all_and_breaks_nothing():
    manager = cache()
    running = compute(manager, [1, 2, 3, 4, 5], name="a")
    manager.reset_prefix_cache()
    assert manager.match_prefix(request([1, 2, 3, 4, 5], name="b")) == 0
    running.output_token_ids += [6, 7, 8]
    manager.allocate(running, 3)
    running.num_computed_tokens = 8
    manager.cache_full_blocks(running)
    manager.check_invariants([running])
    assert manager.match_prefix(request([1, 2, 3, 4, 5, 6, 7, 8, 9], name="c")) == 0


def test_without_prefix_caching_nothing_is_found():
    manager = cache(enable_prefix_caching=False)
    manager.free(compute(manager, [1, 2, 3, 4, 5]))
    assert manager.match_prefix(request([1, 2, 3, 4, 5])) == 0


def test_equal_tokens_of_other_pictures_are_not_shared_and_what_stands_before_them_is():
    manager = cache()
    tokens = [1, 2, 3, 4, 9, 9, 9, 9, 9, 9, 5, 6, 7]

    def seeing(data: bytes, name: str) -> Request:
        made = request(tokens, name=name)
        made.images = (PromptImage(data, 4, 6),)
        return made

    first = seeing(b"a", "a")
    manager.allocate(first, len(tokens))
    first.num_computed_tokens = len(tokens)
    manager.cache_full_blocks(first)
    manager.check_invariants([first])
    assert manager.match_prefix(seeing(b"a", "b")) == 12
    assert manager.match_prefix(seeing(b"b", "c")) == 4
    assert manager.match_prefix(request(tokens, name="d")) == 4
