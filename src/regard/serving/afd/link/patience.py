"""How long an attention instance waits for an FFN instance that is gone."""

import time
from dataclasses import dataclass
from typing import Literal

from regard.serving.errors import InstanceLostError

OnLoss = Literal["wait", "fail"]


@dataclass(frozen=True)
class Patience:
    """What `--on-ffn-loss` and `--recovery-timeout` ask for."""

    on_ffn_loss: OnLoss
    """Wait for a replacement, or fail at once."""
    timeout_seconds: float
    """How long to wait."""

    def check(self, ffn: int, lost_since: float) -> None:
        """Give up where waiting is no use.

        Args:
            ffn: the number of the FFN instance.
            lost_since: when it was missed first (monotonic clock).

        Raises:
            InstanceLostError: the requests in the step end with it.
        """
        if self.on_ffn_loss == "fail":
            raise InstanceLostError(
                f"FFN instance {ffn} is gone, and --on-ffn-loss is fail: ask again later"
            )
        if time.monotonic() - lost_since > self.timeout_seconds:
            raise InstanceLostError(
                f"FFN instance {ffn} is gone and nothing took its place within "
                f"{self.timeout_seconds:g} s (--recovery-timeout): ask again later"
            )
