"""What a browser would fetch of a page, and the text it would show."""

from __future__ import annotations

from html.parser import HTMLParser


class Markup(HTMLParser):
    """A page taken apart; a tag that closes another one than the last opened is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []

    @property
    def words(self) -> str:
        """The text, with single blanks."""
        return " ".join("".join(self.text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"src", "href", "xlink:href", "data"} if tag != "a" else set()
        self.fetched += [value or "" for name, value in attrs if name in names]
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]
        if tag not in ("meta", "br", "hr", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read_markup(page: str) -> Markup:
    """Takes a page apart."""
    reader = Markup()
    reader.feed(page)
    return reader
