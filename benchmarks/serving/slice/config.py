"""What is measured."""

from dataclasses import dataclass

from regard.serving.models.presets import STEP3
from regard.serving.models.step3_config import Step3Config

NUM_ATTENTION = 16
"""Attention GPUs of the deployment: each sends a micro-batch of its own through every FFN GPU."""
NUM_FFN = 16
NUM_SERVERS = 2
"""FFN servers, of 8 GPUs each."""
MODEL: Step3Config = STEP3.config  # type: ignore[assignment]
SHARED_WIDTH = 384
"""Of 5,120 over 16 GPUs: 40 scale blocks, so 8 GPUs hold three and 8 two; this one holds three."""
DENSE_WIDTH = MODEL.intermediate_size // NUM_FFN
NUM_OWNED = MODEL.num_experts // NUM_FFN
MESSAGE_BYTES = MODEL.hidden_size + MODEL.hidden_size // 128 * 4 + MODEL.num_experts_per_token * 8
"""Of a token on its way to the FFN GPUs: e4m3, scales, experts with their shares."""
RESULT_BYTES = 2 * MODEL.hidden_size
K_SCALE = V_SCALE = 5 / 448
"""Fixed before a token is appended; one for all keys and one for all values of a layer."""


@dataclass(frozen=True, kw_only=True)
class SliceConfig:
    """One point of the sweep."""

    batch: int = 128
    """Sequences of a micro-batch on the attention GPU, a multiple of 4."""
    num_microbatches: int = 3
    """They take turns."""
    num_layers: int = MODEL.num_layers
    """All, or the first few for the check against float32."""
    context: int = 4096
    """Mean tokens of a sequence; lengths are uniform from 7/8 to 9/8 of it."""
    wire_bytes_per_second: float = 50e9
    """Of one direction of a GPU's NIC; 0: as fast as the link between the GPUs is."""
    wire_latency_seconds: float = 10e-6
    """Added to each transfer."""
    in_server_bytes_per_second: float = 0.0
    """Speed at which gathering and sums cross a server, whole, before and after the FFN GPU's work,
    as a delay of the transfers; 0: they take no time but that of their copies in its memory."""
    balanced: bool = False
    """Whether every expert gets the same number of the synthesised tokens."""
    baseline: bool = False
    """Whether ready-made kernels attend and multiply: FlashAttention-3 and DeepGEMM."""
    returned: bool = True
    """Whether what the FFN GPU returns enters the residual stream; without it nothing may be timed.
    """
    seed: int = 0
    """Of weights, caches, lengths, tokens and routes."""

    @property
    def shortest(self) -> int:
        """Tokens of a new sequence."""
        return self.context * 7 // 8

    @property
    def longest(self) -> int:
        """Tokens at which a sequence is replaced."""
        return self.context * 9 // 8

    @property
    def num_tokens(self) -> int:
        """Tokens that the FFN GPU works on at a time: those of all attention GPUs."""
        return self.batch * NUM_ATTENTION

    @property
    def capacity(self) -> int:
        """Rows that an expert has room for: a mean and a half, far beyond what chance gives."""
        mean = self.num_tokens * MODEL.num_experts_per_token // MODEL.num_experts
        return -(-mean * 3 // 2 // 64) * 64 + 64

    @property
    def in_server_seconds(self) -> tuple[float, float]:
        """That a message is later for being gathered, and a result for being summed."""
        if not self.in_server_bytes_per_second:
            return 0.0, 0.0
        peers = NUM_ATTENTION - NUM_ATTENTION // (NUM_FFN // NUM_SERVERS)
        rows = self.batch * peers
        speed = self.in_server_bytes_per_second
        return rows * MESSAGE_BYTES / speed, rows * RESULT_BYTES / speed

    def is_dense(self, layer: int) -> bool:
        """Whether the layer has no experts; in a shortened model only the first one."""
        if self.num_layers < MODEL.num_layers:
            return layer == 0
        return layer not in MODEL.moe_layers
