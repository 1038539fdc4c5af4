"""A tokenizer without a file: a token for every byte, then named special tokens."""

from collections.abc import Sequence

import tokenizers
from tokenizers import AddedToken, decoders, models, pre_tokenizers

from regard.serving.tokenizer import BYTE_OF_LETTER, Tokenizer

END_OF_TEXT = "<|end_of_text|>"
# Roles and turns are plain text, so that a conversation can be read in its bytes.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def byte_tokenizer(
    special: Sequence[str] = (END_OF_TEXT,), *, chat_template: str = CHAT_TEMPLATE
) -> Tokenizer:
    """Tokens 0 to 255 are the bytes of UTF-8; from 256 on come the special tokens.

    Args:
        special: the special tokens' names; the first ends a text.
        chat_template: how conversations are laid out (Jinja).
    """
    backend = tokenizers.Tokenizer(models.BPE(vocab=dict(BYTE_OF_LETTER), merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    end = len(BYTE_OF_LETTER)
    return Tokenizer(backend, eos_token_ids=frozenset({end}), chat_template=chat_template)
