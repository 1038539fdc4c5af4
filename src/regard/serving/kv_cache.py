"""Paged KV cache: blocks with reference counts, and a prefix cache over full blocks.

Pure Python over integers. A block is free (in `_free`), or held by requests (reference count > 0).
A free block may still be registered under the tokens it holds; it then can be matched again, until
its turn comes to be handed out (least recently used first).
"""

from collections import OrderedDict
from dataclasses import dataclass

from regard.serving.request import Request

# A full block is known by (id of the block before it, its own tokens, salt). The id of the parent
# stands for all tokens before, so equal keys mean equal sequences: there is no hash to collide.
# Registered parents get a serial number that is never used again, unlike a block's id.
BlockKey = tuple[int, tuple[int, ...], str]
ROOT = 0


@dataclass
class PrefixCacheStats:
    """Counters of the prefix cache, in tokens."""

    query_tokens: int = 0
    """Prompt tokens looked up."""
    hit_tokens: int = 0
    """Those found."""


class KVCacheManager:
    """Hands out blocks, shares those with equal content, takes them back."""

    def __init__(
        self, *, num_blocks: int, block_size: int, enable_prefix_caching: bool = True
    ) -> None:
        assert num_blocks >= 1
        assert block_size >= 1
        self.num_blocks = num_blocks
        self.block_size = block_size
        self.stats = PrefixCacheStats()
        self._caching = enable_prefix_caching
        self._references = [0] * num_blocks
        self._free: OrderedDict[int, None] = OrderedDict.fromkeys(range(num_blocks))
        self._block_of: dict[BlockKey, int] = {}
        self._key_of: dict[int, BlockKey] = {}
        self._serial_of: dict[int, int] = {}
        self._next_serial = ROOT + 1
        # Of each request: the serial of its last registered block and how many are registered.
        self._chains: dict[str, tuple[int, int]] = {}

    @property
    def num_free_blocks(self) -> int:
        """Blocks that no request holds."""
        return len(self._free)

    @property
    def usage(self) -> float:
        """Share of the blocks that requests hold, 0 to 1."""
        return 1.0 - len(self._free) / self.num_blocks

    def blocks_for(self, num_tokens: int) -> int:
        """Blocks that hold so many tokens."""
        return -(-num_tokens // self.block_size)

    def match_prefix(self, request: Request) -> int:
        """Give a request without blocks the cached blocks its tokens begin with.

        At least one token is left to compute, since its logits are wanted.

        Returns:
            The number of tokens found; the request's computed tokens and block table are set.
        """
        assert not request.block_table
        assert request.num_computed_tokens == 0
        if not self._caching:
            return 0
        tokens, size, parent = request.token_ids, self.block_size, ROOT
        for start in range(0, len(tokens) - size, size):
            end = start + size
            key = (parent, tuple(tokens[start:end]), request.block_salt(start, end))
            block = self._block_of.get(key)
            if block is None:
                break
            self._take(block)
            request.block_table.append(block)
            parent = self._serial_of[block]
        self._chains[request.request_id] = (parent, len(request.block_table))
        found = len(request.block_table) * size
        request.num_computed_tokens = found
        return found

    def can_allocate(self, request: Request, num_tokens: int) -> bool:
        """Whether there are blocks for so many tokens after the computed ones."""
        return self._missing_blocks(request, num_tokens) <= len(self._free)

    def allocate(self, request: Request, num_tokens: int) -> None:
        """Extend the block table to hold so many tokens after the computed ones."""
        missing = self._missing_blocks(request, num_tokens)
        assert missing <= len(self._free), (missing, len(self._free))
        for _ in range(missing):
            block = next(iter(self._free))
            self._forget(block)
            self._take(block)
            request.block_table.append(block)

    def cache_full_blocks(self, request: Request) -> None:
        """Register the blocks that have become full of computed tokens."""
        if not self._caching:
            return
        size = self.block_size
        parent, registered = self._chains.get(request.request_id, (ROOT, 0))
        full = request.num_computed_tokens // size
        if full <= registered:
            return
        for number in range(registered, full):
            span = (number * size, (number + 1) * size)
            key = (parent, tuple(request.tokens(*span)), request.block_salt(*span))
            parent = self._register(request.block_table[number], key)
        self._chains[request.request_id] = (parent, full)

    def free(self, request: Request) -> None:
        """Take a request's blocks back; those registered stay matchable until they are needed."""
        # The end of a sequence is the least likely to be shared: it is reused first.
        for block in reversed(request.block_table):
            self._references[block] -= 1
            assert self._references[block] >= 0, block
            if self._references[block] == 0:
                self._free[block] = None
                if block not in self._key_of:
                    self._free.move_to_end(block, last=False)
        request.block_table.clear()
        request.num_computed_tokens = 0
        self._chains.pop(request.request_id, None)

    def reset_prefix_cache(self) -> None:
        """Forget all registered blocks; those in use stay with their requests."""
        for block in list(self._key_of):
            self._forget(block)
        self._chains = {name: (self._new_serial(), n) for name, (_, n) in self._chains.items()}

    def check_invariants(self, requests: list[Request]) -> None:
        """Assert that the books agree with the block tables of all requests that hold blocks."""
        held = [0] * self.num_blocks
        for request in requests:
            assert len(set(request.block_table)) == len(request.block_table)
            assert request.num_computed_tokens <= len(request.block_table) * self.block_size
            for block in request.block_table:
                held[block] += 1
        assert held == self._references, (held, self._references)
        assert {block for block, count in enumerate(held) if count == 0} == set(self._free)
        assert {block: key for key, block in self._block_of.items()} == self._key_of
        assert set(self._serial_of) == set(self._key_of)
        for request in requests:
            self._check_shared(request)

    def _check_shared(self, request: Request) -> None:
        size = self.block_size
        for number, block in enumerate(request.block_table):
            if self._references[block] > 1:
                assert (number + 1) * size <= request.num_computed_tokens, (
                    "a shared block is written"
                )
            key = self._key_of.get(block)
            if key is not None:
                span = (number * size, (number + 1) * size)
                assert key[1] == tuple(request.tokens(*span))
                assert key[2] == request.block_salt(*span)

    def _missing_blocks(self, request: Request, num_tokens: int) -> int:
        wanted = self.blocks_for(request.num_computed_tokens + num_tokens)
        return max(0, wanted - len(request.block_table))

    def _take(self, block: int) -> None:
        self._references[block] += 1
        self._free.pop(block, None)

    def _new_serial(self) -> int:
        self._next_serial += 1
        return self._next_serial - 1

    def _register(self, block: int, key: BlockKey) -> int:
        """Register a block, or find that equal content is registered already; the serial."""
        existing = self._block_of.get(key)
        if existing is not None:
            return self._serial_of[existing]
        serial = self._new_serial()
        self._block_of[key] = block
        self._key_of[block] = key
        self._serial_of[block] = serial
        return serial

    def _forget(self, block: int) -> None:
        key = self._key_of.pop(block, None)
        if key is not None:
            del self._block_of[key]
            del self._serial_of[block]
