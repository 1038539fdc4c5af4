import pytest

from regard.serving.reasoning import ReasoningSplitter, marks_reasoning


def split(text: str, size: int, **options) -> tuple[str, str]:
    splitter = ReasoningSplitter(**options)
    parts = [splitter.push(text[i : i + size]) for i in range(0, len(text), size)]
    parts.append(splitter.flush())
    return "".join(p.reasoning for p in parts), "".join(p.content for p in parts)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_marks_may_be_cut_anywhere(size):
    text = "a <b><think>why</thin? no</think>because <thi"
    assert split(text, size) == ("why</thin? no", "a <b>because <thi")


@pytest.mark.parametrize("size", [1, 5, 100])
def test_an_answer_may_begin_inside(size):
    assert split("why</think>so", size, starts_inside=True) == ("why", "so")


def test_unended_reasoning_stays_reasoning():
    assert split("<think>for ever</th", 4) == ("for ever</th", "")


def test_a_template_says_whether_it_marks_reasoning():
    assert marks_reasoning("{{ content.split('</think>') }}")
    assert not marks_reasoning("{{ content }}")
    assert not marks_reasoning(None)
