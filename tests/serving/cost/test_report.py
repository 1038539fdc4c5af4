from html.parser import HTMLParser

from regard.serving.cost import figures
from regard.serving.cost.accelerators import choose, read_accelerators
from regard.serving.cost.model_choice import choose_models
from regard.serving.cost.report import Section, render
from regard.serving.cost.tables import Column, Table

TABLE = Table(
    title="Two & more",
    columns=(Column(key="name", title="Name"), Column(key="usd", title="USD", form=".2f")),
    rows=(("step3", 1.23456), ("<b>", None)),
)


class Balanced(HTMLParser):
    """Complains where tags do not close in order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_stands_alone_and_escapes_what_it_shows() -> None:
    models = choose_models(["step3"])
    chips = [choose(read_accelerators(), "h800")]
    section = Section(
        title="A < B",
        figure=figures.cost_parts(models, chips, 8192),
        tables=(TABLE,),
        points=("one & two",),
    )
    page = render("Title", "Lead", [section], marked="step3")
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    # Figures refer to their own parts only.
    assert all(each.startswith("#") for each in parser.references)
    assert "<svg" in page
    assert "A &lt; B" in page
    assert "&lt;b&gt;" in page
    assert "1.23<" in page
    assert page.count('class="marked"') == 1
