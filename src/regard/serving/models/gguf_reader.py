"""The `gguf` package's reader, quick on long arrays."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from gguf import GGUFReader, GGUFValueType

_LENGTH_BYTES = 8


class QuickGGUFReader(GGUFReader):
    """Reads arrays of strings or numbers in one go.

    The package makes a numpy view of every element: for the tokens and merges of a tokenizer that
    takes seconds. Fields read here give the same `contents()`; slices of them are not supported.
    """

    def _get_field_parts(
        self, orig_offs: int, raw_type: Any
    ) -> tuple[int, list[Any], list[int], list[GGUFValueType]]:
        if raw_type != GGUFValueType.ARRAY or self.byte_order != "I" or sys.byteorder != "little":
            return super()._get_field_parts(orig_offs, raw_type)
        raw_item_type = self._get(orig_offs, np.uint32)
        raw_length = self._get(orig_offs + 4, np.uint64)
        item_type, length = GGUFValueType(raw_item_type[0]), int(raw_length[0])
        start = orig_offs + 4 + _LENGTH_BYTES
        head = [raw_item_type, raw_length]
        types = [GGUFValueType.ARRAY, item_type] if length else [GGUFValueType.ARRAY]
        if item_type == GGUFValueType.STRING:
            strings, end = self._strings(start, length)
            indices = list(range(len(head), len(head) + length))
            return end - orig_offs, [*head, *strings], indices, types
        if item_type in self.gguf_scalar_to_np:
            numbers = self._get(start, self.gguf_scalar_to_np[item_type], length)
            if len(numbers) < length:
                raise ValueError(f"an array of {length} numbers ends after {len(numbers)}")
            return start + numbers.nbytes - orig_offs, [*head, numbers], [len(head)], types
        return super()._get_field_parts(orig_offs, raw_type)

    def _strings(self, start: int, length: int) -> tuple[Sequence[memoryview], int]:
        data = self.data.data
        strings, place = [], start
        for _ in range(length):
            begin = place + _LENGTH_BYTES
            place = begin + int.from_bytes(data[place:begin], "little")
            if place > len(data):
                raise ValueError(f"a string at byte {begin} ends past the file, at {place}")
            strings.append(data[begin:place])
        return strings, place
