"""Output held to a JSON schema, a regular expression or a grammar, by llguidance."""

import json
import logging
from functools import lru_cache

import llguidance
import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from regard.serving.errors import InvalidRequestError
from regard.serving.sampling_params import StructuredOutput
from regard.serving.tokenizer import Tokenizer

logger = logging.getLogger(__name__)
NUM_KEPT_GRAMMARS = 64


class GrammarState:
    """Where one request stands in its grammar."""

    def __init__(self, matcher: llguidance.LLMatcher, vocab_size: int) -> None:
        self._matcher = matcher
        self._vocab_size = vocab_size
        self.problem: str | None = None
        """Why the grammar cannot go on, if it cannot: it outgrew llguidance's limits."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing can follow."""
        return self.problem is not None or bool(self._matcher.is_stopped())

    @property
    def is_accepting(self) -> bool:
        """Whether the text so far is a whole one."""
        return bool(self._matcher.is_accepting())

    def mask(self) -> Bool[Tensor, " vocab"]:
        """Tokens allowed next; the ends of text among them once the text is whole."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        allowed = np.unpackbits(bits, count=self._vocab_size, bitorder="little")
        return torch.from_numpy(allowed.view(np.bool_))

    def accept(self, token_id: int) -> None:
        """Advance by a sampled token; what goes wrong is told by `problem`.

        A form can pass every check and still grow past llguidance's limits on the way. That is one
        request's misfortune: an exception here would fail all requests of the step.
        """
        if not self._matcher.consume_token(token_id):
            reason = self._matcher.get_error().partition("\n")[0]
            self.problem = reason or f"token {token_id} does not fit"
            logger.warning("a grammar failed at token %d: %s", token_id, self.problem)


def compile_grammar(structured: StructuredOutput, tokenizer: Tokenizer) -> GrammarState:
    """Start a grammar; equal ones are compiled once.

    Raises:
        InvalidRequestError: it is malformed or impossible; the message has the reason.
    """
    matcher = _compiled(structured, tokenizer)
    return GrammarState(matcher.deep_copy(), _llguidance_tokenizer(tokenizer).vocab_size)


@lru_cache(maxsize=NUM_KEPT_GRAMMARS)
def _compiled(structured: StructuredOutput, tokenizer: Tokenizer) -> llguidance.LLMatcher:
    backend = _llguidance_tokenizer(tokenizer)
    # Errors in full would repeat the parser's tables.
    limits = llguidance.LLParserLimits(verbose_errors=False)
    try:
        grammar = _grammar(structured)
        problem = llguidance.LLMatcher.validate_grammar(grammar, backend, limits=limits)
    except ValueError as error:
        raise _refusal(structured, str(error)) from error
    except RecursionError as error:
        raise _refusal(structured, "it is nested too deep") from error
    if problem:
        raise _refusal(structured, problem)
    matcher = llguidance.LLMatcher(backend, grammar, log_level=0, limits=limits)
    first = GrammarState(matcher.deep_copy(), backend.vocab_size)
    allowed = first.mask()
    allowed[sorted(tokenizer.eos_token_ids)] = False
    if matcher.is_error() or not (first.is_accepting or allowed.any()):
        raise _refusal(structured, matcher.get_error() or "no text fits it")
    return matcher


def _refusal(structured: StructuredOutput, reason: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"the {structured.kind} cannot be used: {reason}", param="response_format"
    )


def _grammar(structured: StructuredOutput) -> str:
    matcher = llguidance.LLMatcher
    if structured.kind == "regex":
        return str(matcher.grammar_from_regex(structured.value))
    if structured.kind == "grammar":
        return str(matcher.grammar_from_lark(structured.value))
    is_object = structured.kind == "json_object"
    schema = {"type": "object"} if is_object else json.loads(structured.value)
    if not isinstance(schema, dict):
        raise ValueError(f"a schema is a JSON object; this is {type(schema).__name__}")
    # Unbounded white space would let a model spend its whole budget on it.
    return str(
        matcher.grammar_from_json_schema(schema, overrides={"whitespace_pattern": r"[ \n]?"})
    )


@lru_cache(maxsize=4)
def _llguidance_tokenizer(tokenizer: Tokenizer) -> llguidance.LLTokenizer:
    return llguidance.LLTokenizer(
        tokenizer.backend.to_str(), eos_token=sorted(tokenizer.eos_token_ids)
    )
