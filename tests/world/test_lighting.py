"""The lights."""

import mujoco

from regard.world.lighting import add_lights


def test_one_light_casts_shadows_and_red_outweighs_blue() -> None:
    spec = mujoco.MjSpec()
    add_lights(spec)
    model = spec.compile()
    assert sum(model.light_castshadow) == 1
    assert (model.light_diffuse[:, 0] > model.light_diffuse[:, 2]).all()
