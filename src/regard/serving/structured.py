"""Output held to a JSON schema, a regular expression or a grammar, by llguidance."""

import json
from functools import lru_cache

import llguidance
import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from regard.serving.errors import InvalidRequestError
from regard.serving.sampling_params import StructuredOutput
from regard.serving.tokenizer import Tokenizer


class GrammarState:
    """Where one request stands in its grammar."""

    def __init__(self, matcher: llguidance.LLMatcher, vocab_size: int) -> None:
        self._matcher = matcher
        self._vocab_size = vocab_size

    @property
    def is_finished(self) -> bool:
        """Whether nothing can follow."""
        return bool(self._matcher.is_stopped())

    def mask(self) -> Bool[Tensor, " vocab"]:
        """Tokens allowed next."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        allowed = np.unpackbits(bits, bitorder="little")[: self._vocab_size]
        return torch.from_numpy(allowed.astype(bool))

    def accept(self, token_id: int) -> None:
        """Advance by a sampled token."""
        accepted = self._matcher.consume_token(token_id)
        assert accepted, f"token {token_id} was not allowed: {self._matcher.get_error()}"


def compile_grammar(structured: StructuredOutput, tokenizer: Tokenizer) -> GrammarState:
    """Start a grammar.

    Raises:
        InvalidRequestError: it is malformed or impossible; the message has the reason.
    """
    backend = _llguidance_tokenizer(tokenizer)
    try:
        grammar = _grammar(structured)
        problem = llguidance.LLMatcher.validate_grammar(grammar, backend)
        matcher = None if problem else llguidance.LLMatcher(backend, grammar)
    except ValueError as error:
        problem, matcher = str(error), None
    if matcher is None or matcher.is_error():
        reason = problem or (matcher.get_error() if matcher else "")
        raise InvalidRequestError(
            f"the {structured.kind} cannot be used: {reason}", param="response_format"
        )
    return GrammarState(matcher, backend.vocab_size)


def _grammar(structured: StructuredOutput) -> str:
    matcher = llguidance.LLMatcher
    if structured.kind == "regex":
        return str(matcher.grammar_from_regex(structured.value))
    if structured.kind == "grammar":
        return str(matcher.grammar_from_lark(structured.value))
    schema = (
        json.loads(structured.value) if structured.kind == "json_schema" else {"type": "object"}
    )
    # Unbounded white space would let a model spend its whole budget on it.
    return str(
        matcher.grammar_from_json_schema(schema, overrides={"whitespace_pattern": r"[ \n]?"})
    )


@lru_cache(maxsize=4)
def _llguidance_tokenizer(tokenizer: Tokenizer) -> llguidance.LLTokenizer:
    return llguidance.LLTokenizer(
        tokenizer.backend.to_str(), eos_token=sorted(tokenizer.eos_token_ids)
    )
