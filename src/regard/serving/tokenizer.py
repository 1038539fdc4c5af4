"""Text to tokens and back, and the model's own chat template."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import tokenizers
from jinja2 import Template, TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers

from regard.serving.errors import InvalidRequestError, WeightsError

# Kinds of token in GGUF's tokenizer.ggml.token_type.
_CONTROL, _USER_DEFINED = 3, 4
_LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2_SPLIT = _LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")
# The splitting rules of tokenizer.ggml.pre, made of what the models' own tokenizer.json holds.
_SPLITS: dict[str, list[pre_tokenizers.PreTokenizer]] = {
    "gpt-2": [pre_tokenizers.ByteLevel(add_prefix_space=False)],
    "smollm": [
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ],
    "llama-bpe": [
        pre_tokenizers.Split(Regex(_LLAMA3_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ],
    "qwen2": [
        pre_tokenizers.Split(Regex(_QWEN2_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ],
}


def _byte_letters() -> dict[str, int]:
    """GPT-2's spelling: printable bytes are themselves, the others letters from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    return letters | {chr(256 + place): byte for place, byte in enumerate(others)}


BYTE_OF_LETTER = _byte_letters()

_SENTENCE_PIECE_BYTE = re.compile("<0x([0-9A-F]{2})>")


class Tokenizer:
    """A tokenizer with what serving needs around it."""

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        *,
        eos_token_ids: frozenset[int],
        bos_token_id: int | None = None,
        chat_template: str | None = None,
        add_bos: bool = False,
    ) -> None:
        self.backend = backend
        self.eos_token_ids = eos_token_ids
        self.bos_token_id = bos_token_id
        self.chat_template = chat_template
        self._add_bos = add_bos
        added = backend.get_added_tokens_decoder()
        self._added_ids = frozenset(added)
        self._special_ids = frozenset(i for i, token in added.items() if token.special)
        self._is_byte_level = isinstance(backend.decoder, decoders.ByteLevel)
        self._is_sentence_piece = backend.token_to_id("<0x00>") is not None

    @classmethod
    def from_directory(cls, directory: Path) -> "Tokenizer":
        """Read tokenizer.json, tokenizer_config.json and chat_template.jinja.

        Raises:
            WeightsError: tokenizer.json is missing or corrupt.
        """
        file = directory / "tokenizer.json"
        try:
            backend = tokenizers.Tokenizer.from_file(str(file))
        except Exception as error:
            raise WeightsError(file, f"missing or corrupt ({error})") from error
        options: dict[str, Any] = {}
        for name in ("tokenizer_config.json", "generation_config.json"):
            if (directory / name).exists():
                options |= json.loads((directory / name).read_text(encoding="utf-8"))
        template = options.get("chat_template")
        if (directory / "chat_template.jinja").exists():
            template = (directory / "chat_template.jinja").read_text(encoding="utf-8")
        if isinstance(template, list):
            template = next((t["template"] for t in template if t["name"] == "default"), None)
        eos = options.get("eos_token_id", [])
        ids = set(eos if isinstance(eos, list) else [eos])
        ids |= {_named_token(backend, options.get("eos_token"))} - {None}
        bos = _named_token(backend, options.get("bos_token"))
        return cls(
            backend,
            eos_token_ids=frozenset(ids),
            bos_token_id=bos,
            chat_template=template,
            add_bos=bool(options.get("add_bos_token", False)),
        )

    @classmethod
    def from_gguf(cls, path: Path, metadata: Mapping[str, Any]) -> "Tokenizer":
        """Build a byte-level BPE tokenizer from a GGUF file's `tokenizer.*` metadata.

        Raises:
            WeightsError: another kind of tokenizer, or one whose splitting rule is not known.
        """
        kind, rule = metadata.get("tokenizer.ggml.model"), metadata.get("tokenizer.ggml.pre")
        if kind != "gpt2" or rule not in _SPLITS:
            raise WeightsError(
                path,
                f"tokenizer {kind!r} with splitting rule {rule!r} is not supported; known: gpt2 "
                f"with {', '.join(_SPLITS)}",
            )
        tokens = metadata["tokenizer.ggml.tokens"]
        merges = [tuple(merge.split(" ", 1)) for merge in metadata["tokenizer.ggml.merges"]]
        vocabulary = {token: token_id for token_id, token in enumerate(tokens)}
        # Llama 3 takes a piece that is a token as it is, even where merges would split it.
        bpe = models.BPE(vocab=vocabulary, merges=merges, ignore_merges=rule == "llama-bpe")
        backend = tokenizers.Tokenizer(bpe)
        backend.pre_tokenizer = pre_tokenizers.Sequence(_SPLITS[rule])
        backend.decoder = decoders.ByteLevel()
        kinds = metadata.get("tokenizer.ggml.token_type", [])
        added = [
            AddedToken(token, special=kind == _CONTROL, normalized=False)
            for token, kind in zip(tokens, kinds, strict=False)
            if kind in (_CONTROL, _USER_DEFINED)
        ]
        backend.add_tokens(added)
        eos = metadata.get("tokenizer.ggml.eos_token_id")
        # Files converted from base models name <|endoftext|> alone; chats end with <|im_end|>.
        ends = {
            eos,
            *(vocabulary.get(name) for name in ("<|im_end|>", "<|endoftext|>", "<|eot_id|>")),
        }
        return cls(
            backend,
            eos_token_ids=frozenset(end for end in ends if end is not None),
            bos_token_id=metadata.get("tokenizer.ggml.bos_token_id"),
            chat_template=metadata.get("tokenizer.chat_template"),
            add_bos=bool(metadata.get("tokenizer.ggml.add_bos_token", False)),
        )

    @property
    def vocab_size(self) -> int:
        """Number of tokens, added ones included."""
        return self.backend.get_vocab_size()

    @property
    def has_chat_template(self) -> bool:
        """Whether chats can be laid out."""
        return self.chat_template is not None

    @property
    def knows_bytes(self) -> bool:
        """Whether a text is the bytes of its tokens, one after another."""
        return self._is_byte_level or self._is_sentence_piece

    def encode(self, text: str, add_special: bool = False) -> list[int]:
        """Token ids of a text; special tokens written in it are recognised.

        Args:
            text: any text.
            add_special: begin as the model's own tokenizer does, with the beginning-of-text token
                where it has one.

        Raises:
            InvalidRequestError: the text cannot be written as UTF-8.
        """
        try:
            ids = self.backend.encode(text, add_special_tokens=add_special).ids
        except (TypeError, UnicodeEncodeError) as error:
            raise InvalidRequestError(
                "the text holds half of a surrogate pair, which is no character"
            ) from error
        bos = self.bos_token_id
        if add_special and self._add_bos and bos is not None and ids[:1] != [bos]:
            return [bos, *ids]
        return list(ids)

    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        """Text of tokens; incomplete UTF-8 becomes U+FFFD."""
        return self.backend.decode(list(ids), skip_special_tokens=skip_special)

    def is_special(self, token_id: int) -> bool:
        """Whether a token is a control token."""
        return token_id in self._special_ids

    def convert_id_to_token(self, token_id: int) -> str:
        """The vocabulary's spelling of a token; empty for an id the vocabulary lacks."""
        return self.backend.id_to_token(token_id) or ""

    def convert_id_to_bytes(self, token_id: int) -> bytes:
        """Bytes of one token; they may be half a UTF-8 character."""
        token = self.convert_id_to_token(token_id)
        if token_id in self._added_ids:
            return token.encode()
        if self._is_byte_level:
            return bytes(BYTE_OF_LETTER[letter] for letter in token)
        if self._is_sentence_piece:
            byte = _SENTENCE_PIECE_BYTE.fullmatch(token)
            return bytes([int(byte[1], 16)]) if byte else token.replace("▁", " ").encode()
        return self.decode([token_id], skip_special=False).encode()

    def apply_chat_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool = True,
    ) -> str:
        """Lay a conversation out as the model was trained on it.

        Raises:
            InvalidRequestError: no template, or messages that the template refuses.
        """
        if self.chat_template is None:
            raise InvalidRequestError(
                "this model has no chat template; use /v1/completions or --chat-template",
                param="messages",
            )
        try:
            return _compile_template(self.chat_template).render(
                messages=messages,
                tools=tools,
                add_generation_prompt=add_generation_prompt,
                bos_token=self._token_text(self.bos_token_id),
                eos_token=self._token_text(next(iter(sorted(self.eos_token_ids)), None)),
            )
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise InvalidRequestError(
                f"the chat template refuses these messages: {error}", param="messages"
            ) from error

    def _token_text(self, token_id: int | None) -> str:
        return "" if token_id is None else self.convert_id_to_token(token_id)


@lru_cache(maxsize=4)
def _compile_template(text: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _strftime_now
    return environment.from_string(text)


def _named_token(backend: tokenizers.Tokenizer, token: Any) -> int | None:
    text = token.get("content") if isinstance(token, Mapping) else token
    return backend.token_to_id(text) if isinstance(text, str) else None


def _to_json(value: Any, indent: int | None = None) -> str:
    # Jinja's own filter escapes HTML, which models were not trained on.
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(layout: str) -> str:
    return datetime.now(UTC).strftime(layout)
