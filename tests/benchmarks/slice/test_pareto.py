from benchmarks.serving.slice import pareto
from benchmarks.serving.slice.pareto import Point

SMALL, MIDDLE, LARGE = Point("a", 0.040, 3000), Point("b", 0.050, 4000), Point("c", 0.066, 4500)
BEATEN = Point("d", 0.055, 3900)


def test_the_curve_holds_what_no_other_point_beats():
    assert pareto.frontier([BEATEN, LARGE, SMALL, MIDDLE]) == [SMALL, MIDDLE, LARGE]
    assert pareto.frontier([Point("x", 0.04, 1), Point("y", 0.04, 2)]) == [Point("y", 0.04, 2)]


def test_the_best_within_the_limit_may_reach_it_but_not_pass_it():
    assert pareto.best_within([SMALL, MIDDLE, LARGE, BEATEN], 0.050) == MIDDLE
    assert pareto.best_within([LARGE, BEATEN], 0.050) is None


def test_the_table_says_what_is_on_the_curve_and_what_is_best():
    lines = pareto.table([LARGE, BEATEN, SMALL, MIDDLE], 0.050).splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["a", "b", "d", "c"]
    assert lines[1].endswith("on the curve, best within 50 ms")
    assert lines[2].endswith("3900")


def test_a_picture_names_points_and_curves(tmp_path):
    path = tmp_path / "pareto.svg"
    pareto.draw([SMALL, MIDDLE], [BEATEN], 0.050, path)
    text = path.read_text()
    assert all(f">{word}<" in text for word in ("a", "b", "d", "ready-made kernels", "50 ms"))
