import base64

import pytest

from regard.serving.errors import InvalidRequestError
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.server.chat_images import ChatImages
from regard.serving.server.chat_prompt import template_messages
from regard.serving.server.chat_protocol import Message
from regard.serving.server.config import ServerConfig
from tests.serving.tiny_vision import encoded, model_config, picture, seeing_tokenizer

TOKENS = PictureTokens.of(model_config().vision, seeing_tokenizer(), "tiny")
FILE = encoded(picture(48, 48))
URI = f"data:image/png;base64,{base64.b64encode(FILE).decode()}"


def images(**options: object) -> ChatImages:
    return ChatImages(TOKENS, ServerConfig(**options))


def message(*parts: str) -> Message:
    content = [
        {"type": "image_url", "image_url": {"url": part, "detail": "low"}}
        if part.startswith("data:")
        else {"type": "text", "text": part}
        for part in parts
    ]
    return Message.model_validate({"role": "user", "content": content})


def test_the_mark_stands_where_the_picture_does():
    taken = images()
    given = [message("a", URI, "b"), message(URI, URI, "c", "d")]
    assert [each["content"] for each in template_messages(given, taken)] == [
        "a<im_patch>b",
        "<im_patch><im_patch>c\nd",
    ]
    prompt = taken.expand([TOKENS.placeholder] * 3)
    assert [image.data for image in prompt.images] == [FILE] * 3


def test_a_model_that_takes_text_refuses_a_picture():
    with pytest.raises(InvalidRequestError, match="this model takes text only") as refusal:
        template_messages([message("a", URI)], ChatImages(None, ServerConfig()))
    assert refusal.value.param == "messages.0.content.1"


def test_a_model_that_takes_text_takes_the_mark_as_text():
    assert ChatImages(None, ServerConfig()).expand([1, 2]) == ((1, 2), ())


def test_there_is_a_limit_to_the_number():
    with pytest.raises(InvalidRequestError, match=r"one picture more than 2.*--max-images"):
        template_messages([message(URI, URI, URI)], images(max_images=2))


def test_a_bad_picture_is_named_by_its_place():
    with pytest.raises(InvalidRequestError, match="image/gif") as refusal:
        template_messages([message("a", "data:image/gif;base64,AA")], images())
    assert refusal.value.param == "messages.0.content.1"


@pytest.mark.parametrize("url", ["https://a.example/b.png", "file:///etc/passwd", "/etc/passwd"])
def test_no_url_is_fetched_unless_the_server_is_told_to(url: str):
    with pytest.raises(InvalidRequestError, match="--allow-remote-images"):
        images().take(url, "x")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example/b", "/etc/passwd"])
def test_only_http_is_ever_fetched(url: str):
    with pytest.raises(InvalidRequestError, match="must be http or https"):
        images(allow_remote_images=True).take(url, "x")


def test_nothing_near_the_server_is_fetched():
    with pytest.raises(InvalidRequestError, match="not on the public internet") as refusal:
        images(allow_remote_images=True).take("http://127.0.0.1:8000/metrics", "messages.0")
    assert refusal.value.param == "messages.0"


def test_the_mark_in_a_text_is_refused():
    with pytest.raises(InvalidRequestError, match="cannot stand in a message"):
        images().expand([TOKENS.placeholder])
