"""`regard cloth` names its verbs."""

from regard.cloth import command


def test_the_help_names_every_verb(capsys):
    assert command.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in command.TABLE.verbs)
    assert command.main(["fly"]) == 2
