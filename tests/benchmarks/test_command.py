from benchmarks.serving.command import command_of


def test_a_command_keeps_what_was_measured_and_leaves_out_where():
    given = "--batches 128 --log a.log --write --commit abc --results=out --trace t.json --steps 9"
    made = command_of("benchmarks.serving.afd_full", given.split())
    assert made == "python -m benchmarks.serving.afd_full --batches 128 --write --steps 9"
