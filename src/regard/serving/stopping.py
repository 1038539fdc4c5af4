"""When a sequence ends, and which of its text may be shown before that is known."""

from typing import NamedTuple

from regard.serving.outputs import FinishReason
from regard.serving.sampling_params import SamplingParams


class StopResult(NamedTuple):
    """What one token means for a sequence."""

    text: str
    """Text that can be shown now."""
    finish_reason: FinishReason | None
    """Why it ended, if it did."""
    stop_reason: str | int | None
    """The stop string or token."""


class StopChecker:
    """Follows one sequence's tokens and text."""

    def __init__(self, params: SamplingParams, eos_token_ids: frozenset[int]) -> None:
        self._params = params
        self._end_ids = frozenset() if params.ignore_eos else eos_token_ids
        self._stop_ids = frozenset(params.stop_token_ids)
        self._held = ""
        self._num_tokens = 0

    def push(self, token_id: int, text: str) -> StopResult:
        """Take a token and the text it completed."""
        self._num_tokens += 1
        early = self._num_tokens < self._params.min_tokens
        if not early and token_id in self._end_ids | self._stop_ids:
            shown = text if self._params.include_stop_in_output else ""
            reason = None if token_id in self._end_ids else token_id
            return StopResult(self.flush() + shown, "stop", reason)
        self._held += text
        if not early:
            found = self._find_stop()
            if found is not None:
                return found
        if self._params.max_tokens is not None and self._num_tokens >= self._params.max_tokens:
            return StopResult(self.flush(), "length", None)
        return StopResult(self._release(), None, None)

    def flush(self) -> str:
        """All text held back."""
        text, self._held = self._held, ""
        return text

    def _find_stop(self) -> StopResult | None:
        places = [(self._held.find(stop), stop) for stop in self._params.stop]
        # The one complete first, and of those the longest: as if the text came by characters.
        found = min(((at + len(stop), at, stop) for at, stop in places if at >= 0), default=None)
        if found is None:
            return None
        _, at, stop = found
        keep = at + len(stop) if self._params.include_stop_in_output else at
        text, self._held = self._held[:keep], ""
        return StopResult(text, "stop", stop)

    def _release(self) -> str:
        """The text that cannot be part of a stop string any more."""
        held = 0
        for stop in self._params.stop:
            for size in range(min(len(stop) - 1, len(self._held)), held, -1):
                if self._held.endswith(stop[:size]):
                    held = size
                    break
        split = len(self._held) - held
        text, self._held = self._held[:split], self._held[split:]
        return text
