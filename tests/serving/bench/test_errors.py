import pytest

from regard.serving.bench.errors import BenchError, require


def test_only_what_does_not_fit_is_refused_with_its_value():
    require(True, "--repeats", 1, "at least 1")
    with pytest.raises(BenchError, match=r"^--repeats is 0; it must be at least 1$"):
        require(False, "--repeats", 0, "at least 1")
