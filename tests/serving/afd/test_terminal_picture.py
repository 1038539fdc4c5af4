from regard.serving.afd.picture import Bar, Picture
from regard.serving.afd.terminal_picture import terminal_picture

PICTURE = Picture(
    title="1A1F: step 0",
    lasts_us=100.0,
    lanes={
        "attention0": (
            Bar(0, 20, "attention", 0, 0),
            Bar(20, 30, "send", 0, 0),
            Bar(30, 60, "wait", 0, 0),
            Bar(60, 80, "attention", 1, 0),
            Bar(80, 100, "other", -1, -1),
        ),
        "ffn0": (Bar(30, 50, "feed_forward", 0, 0), Bar(50, 50, "receive", 0, 0)),
    },
    arrows=(),
    num_hidden=3,
)


def test_every_moment_is_a_character() -> None:
    title, attention, ffn, scale, _, hidden = map(str, terminal_picture(PICTURE, 21))
    assert title == "1A1F: step 0"
    assert attention == "attention0 00>···11=="
    assert ffn == "      ffn0    00     "
    assert scale == "           0   100 us"
    assert hidden.startswith("3 more workers")


def test_bars_shorter_than_half_a_column_are_left_out() -> None:
    picture = Picture("", 100.0, {"ffn0": (Bar(0, 4, "feed_forward", 0, 0),)}, (), 0)
    assert str(terminal_picture(picture, 15)[1]) == "ffn0 " + " " * 10


def test_micro_batches_have_colours_of_their_own() -> None:
    line = terminal_picture(PICTURE, 21)[1]
    styles = {str(line[each.start : each.end]): str(each.style) for each in line.spans}
    assert "cyan" in styles["0"]
    assert "yellow" in styles["1"]


def test_a_picture_of_no_time_can_be_drawn() -> None:
    assert terminal_picture(Picture("", 0.0, {"ffn0": ()}, (), 0), 20)
