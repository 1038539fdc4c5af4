"""Rotary embedding, KV append and attention over paged keys and values."""
