"""`regard world skills`."""

import json

from regard.world.command import main


def test_every_skill_is_listed_with_its_schema(capsys) -> None:
    assert main(["skills", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"fetch", "pour", "hand_over", "wipe"} <= {row["name"] for row in rows}
    assert all(row["arguments"]["type"] == "object" for row in rows)


def test_the_list_is_readable(capsys) -> None:
    assert main(["skills"]) == 0
    assert "put_in     object receiver" in capsys.readouterr().out
