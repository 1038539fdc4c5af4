import jinja2
import pytest

from regard.tradeoffs.report.template import fill


@pytest.mark.parametrize("name", ["page.html.j2", "comparison.html.j2"])
def test_a_page_without_its_values_is_an_error_and_no_page_with_gaps(name: str) -> None:
    with pytest.raises(jinja2.UndefinedError):
        fill(name)
