import pytest

from regard.serving.content_parts import join_parts
from regard.serving.errors import InvalidRequestError


def text(piece: str) -> dict[str, object]:
    return {"type": "text", "text": piece}


def picture(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "high"}}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], ""),
        ([text("a"), text("b")], "a\nb"),
        ([picture("u"), text("a"), picture("v"), picture("w"), text("b")], "<0u>a<2v><3w>b"),
    ],
)
def test_parts_become_one_text(parts: list[dict[str, object]], expected: str):
    assert join_parts(parts, lambda url, number: f"<{number}{url}>") == expected


@pytest.mark.parametrize(
    "part", [{}, {"type": "audio"}, {"type": "text"}, {"type": "image_url", "image_url": "u"}]
)
def test_other_parts_are_refused(part: dict[str, object]):
    with pytest.raises(InvalidRequestError, match="part 1 of a message"):
        join_parts([text("a"), part], lambda url, number: "")
