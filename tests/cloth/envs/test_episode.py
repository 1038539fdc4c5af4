"""Progress of an episode."""

from types import MappingProxyType

import numpy as np
import pytest

from regard.cloth.conditions import TRAINING, draw_conditions
from regard.cloth.envs.episode import Episode
from regard.cloth.frame import Frame
from regard.cloth.tasks import Judgement


@pytest.mark.parametrize(
    ("start", "now", "best", "progress"),
    [(-0.3, -0.3, 0, 0), (-0.3, -0.15, 0, 0.5), (0.4, 1, 1, 1)],
)
def test_progress_is_normalised(start, now, best, progress):
    episode = Episode(
        conditions=draw_conditions(np.random.default_rng(0), TRAINING, any_yaw=False),
        start=np.zeros((9, 3)),
        frame=Frame(np.zeros(3), 0.0, 0.3),
        start_performance=start,
        judgement=Judgement(now, best, False, MappingProxyType({})),
    )
    assert episode.progress == pytest.approx(progress)
