"""Serves a fake engine as `regard serve` serves a real one, for tests of the whole process."""

import sys

from regard.serving.server.config import ServerConfig
from regard.serving.server.lifecycle import bind, run_server
from tests.serving.server.fake_engine import FakeEngine


def main(step_seconds: float, grace_seconds: float) -> int:
    engine = FakeEngine(step_seconds=step_seconds)
    with bind("127.0.0.1", 0) as listener:
        return run_server(
            engine,
            ServerConfig(),
            listener,
            grace_seconds=grace_seconds,
            log_level="warning",
            on_ready=lambda: print(listener.getsockname()[1], flush=True),
        )


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), float(sys.argv[2])))
