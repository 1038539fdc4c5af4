"""The bytes of single tokens, which may be half a character."""

import re
from functools import cache

from regard.serving.server.contract import ServingTokenizer

REPLACEMENT = "\ufffd"
_HEXADECIMAL = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def token_bytes(tokenizer: ServingTokenizer, token_id: int) -> bytes:
    """What a token adds to the text, special tokens spelled out.

    A token that decodes to whole characters is those; the others' bytes stand in the
    vocabulary's spelling, byte by byte (byte-level BPE) or as `<0xE2>` (byte fallback).
    """
    text = tokenizer.decode([token_id], skip_special=False)
    if REPLACEMENT not in text:
        return text.encode()
    spelling = tokenizer.convert_id_to_token(token_id)
    hexadecimal = _HEXADECIMAL.fullmatch(spelling)
    if hexadecimal:
        return bytes([int(hexadecimal[1], 16)])
    alphabet = _byte_alphabet()
    if all(character in alphabet for character in spelling):
        return bytes(alphabet[character] for character in spelling)
    return text.encode()


@cache
def _byte_alphabet() -> dict[str, int]:
    """The visible characters that stand for bytes in GPT-2's vocabulary and its descendants."""
    visible = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {
        chr(256 + position): byte for position, byte in enumerate(hidden)
    }
