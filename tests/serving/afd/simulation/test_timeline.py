from dataclasses import replace

import numpy as np

from regard.serving.afd.simulation.lock_step import simulate_lock_step
from tests.serving.afd.simulation.configs import small_config


def test_timelines_are_equal_only_in_every_entry() -> None:
    timeline = simulate_lock_step(small_config(lock_step=True))
    assert timeline == simulate_lock_step(small_config(lock_step=True))
    assert timeline != replace(timeline, ffn_busy_ns=timeline.ffn_busy_ns + np.int64(1))
    assert timeline != "another thing"
