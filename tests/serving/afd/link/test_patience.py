import time

import pytest

from regard.serving.afd.link.patience import Patience
from regard.serving.errors import InstanceLostError


def test_waiting_goes_on_until_the_time_is_over():
    patience = Patience("wait", 10.0)
    patience.check(3, time.monotonic() - 9.0)
    with pytest.raises(InstanceLostError, match="FFN instance 3 is gone .* within 10 s"):
        patience.check(3, time.monotonic() - 11.0)


def test_with_fail_there_is_no_waiting():
    with pytest.raises(InstanceLostError, match="--on-ffn-loss is fail"):
        Patience("fail", 10.0).check(0, time.monotonic())
