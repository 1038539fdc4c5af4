"""`regard cloth watch` writes the clip of one episode."""

import json

import pytest
from PIL import Image

from regard.cloth.watching import command


def test_the_clip_has_a_picture_for_each_step(capsys, tmp_path):
    path = tmp_path / "fold.gif"
    arguments = ["--task", "fold-diagonal", "--engine", "xpbd", "--out", str(path), "--json"]
    assert command.main(arguments) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["clip"] == str(path)
    with Image.open(path) as image:
        # Pictures that are alike are joined into one that lasts.
        assert 0.5 * figures["steps"] < image.n_frames <= figures["steps"] + 2


def test_a_clip_that_cannot_be_written_is_refused_before_the_episode(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["--out", str(tmp_path / "none" / "a.gif")])
    assert stopped.value.code == 2
    assert "no folder" in capsys.readouterr().err
