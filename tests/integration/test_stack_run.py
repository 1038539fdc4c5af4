"""The first thing a newcomer does: the server starts, answers and stops."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_stack_serves_the_default_model_and_shows_an_answer() -> None:
    command = [sys.executable, "-m", "regard", "stack", "run", "--once"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    question_at = done.stdout.index("\n> ")
    answer = done.stdout[question_at:].split("\n", 2)[2]
    assert len(answer.split()) >= 5
    assert "curl http://127.0.0.1:" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_server_that_cannot_start_ends_the_stack_with_its_reason() -> None:
    command = [sys.executable, "-m", "regard", "stack", "run", "--once", "--model", "/no/such.gguf"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "/no/such.gguf" in done.stderr
    assert "Traceback" not in done.stderr
