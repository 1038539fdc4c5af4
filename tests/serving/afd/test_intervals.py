from hypothesis import given
from hypothesis import strategies as st

from regard.serving.afd.intervals import common, length, union

INTERVALS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 8)).map(lambda each: (each[0], sum(each)))
)


def _moments(intervals: list[tuple[int, int]]) -> set[int]:
    return {moment for start, end in intervals for moment in range(start, end)}


@given(INTERVALS)
def test_a_union_has_the_same_moments_without_overlaps(intervals: list[tuple[int, int]]) -> None:
    joined = union(intervals)
    assert _moments(joined) == _moments(intervals)
    assert length(joined) == len(_moments(intervals))
    assert joined == sorted(joined)


@given(INTERVALS, INTERVALS)
def test_what_is_common_is_in_both(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    both = common(union(left), union(right))
    assert _moments(both) == _moments(left) & _moments(right)
    assert length(both) == len(_moments(both))
