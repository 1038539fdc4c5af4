"""What each running request needs beside its tokens: text so far, stop strings, grammar."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from regard.serving.detokenizer import IncrementalDetokenizer
from regard.serving.outputs import RequestOutput, TokenLogprobs
from regard.serving.request import Request
from regard.serving.stopping import StopChecker
from regard.serving.structured import GrammarState, compile_grammar
from regard.serving.tokenizer import Tokenizer

GRAMMAR = "grammar"
"""Stop reason of a request that its own grammar brought to an end."""
INSTANCE_LOST = "instance_lost"
"""Stop reason of a request that ended because an AFD instance is gone."""


@dataclass(frozen=True)
class _Sequence:
    detokenizer: IncrementalDetokenizer
    stop: StopChecker
    grammar: GrammarState | None


class Sequences:
    """Opens, feeds and closes the text side of requests."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._open: dict[str, _Sequence] = {}

    def open(self, request: Request) -> None:
        """Start a request; one that has output already goes on where that output ends.

        Raises:
            InvalidRequestError: its schema, regex or grammar cannot be compiled.
        """
        params = request.params
        grammar = compile_grammar(params.structured, self._tokenizer) if params.structured else None
        self._open[request.request_id] = _Sequence(
            IncrementalDetokenizer(
                self._tokenizer, request.prompt_token_ids, params.skip_special_tokens
            ),
            StopChecker(params, self._tokenizer.eos_token_ids),
            grammar,
        )
        for token_id in request.output_token_ids:
            # Another engine has shown this text: an attention instance that is gone.
            self.push(request, token_id, None)

    def close(self, request: Request) -> None:
        """Forget a request."""
        self._open.pop(request.request_id, None)

    def masks(self, requests: Sequence[Request]) -> list[Tensor | None]:
        """Tokens that each request's grammar allows next; None where all are."""
        grammars = (self._open[request.request_id].grammar for request in requests)
        return [grammar.mask() if grammar else None for grammar in grammars]

    def push(
        self, request: Request, token_id: int, logprobs: TokenLogprobs | None
    ) -> RequestOutput:
        """Take one sampled token and say what the client gains by it."""
        sequence = self._open[request.request_id]
        if sequence.grammar is not None:
            sequence.grammar.accept(token_id)
            if sequence.grammar.problem is not None:
                message = f"the grammar cannot go on: {sequence.grammar.problem}"
                return self.error(request, message, stop_reason=GRAMMAR)
        text = sequence.detokenizer.push(token_id)
        emitted, reason, stop_reason = sequence.stop.push(token_id, text)
        if reason is not None and not isinstance(stop_reason, str):
            emitted += sequence.detokenizer.flush()
        if reason is None and sequence.grammar is not None and sequence.grammar.is_finished:
            emitted, reason = emitted + sequence.stop.flush(), "stop"
        return RequestOutput(
            request_id=request.request_id,
            index=request.index,
            text=emitted,
            token_ids=(token_id,),
            logprobs=None if logprobs is None else (logprobs,),
            finish_reason=reason,
            stop_reason=stop_reason,
            num_prompt_tokens=len(request.prompt_token_ids),
            num_cached_tokens=request.num_cached_tokens,
            num_output_tokens=len(request.output_token_ids),
        )

    def error(
        self, request: Request, message: str, stop_reason: str | None = None
    ) -> RequestOutput:
        """The last output of a request that failed."""
        return RequestOutput(
            request_id=request.request_id,
            index=request.index,
            text="",
            token_ids=(),
            logprobs=None,
            finish_reason="error",
            stop_reason=stop_reason,
            num_prompt_tokens=len(request.prompt_token_ids),
            num_cached_tokens=request.num_cached_tokens,
            num_output_tokens=len(request.output_token_ids),
            error=message,
        )
