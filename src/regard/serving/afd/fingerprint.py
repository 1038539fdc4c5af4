"""Whether two instances hold parts of the same model."""

import hashlib

from regard.serving.models.config import ModelConfig
from regard.serving.models.decoder import Tensors
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import dense


def fingerprint(config: ModelConfig, tensors: Tensors, numerics: Numerics) -> str:
    """A digest of the configuration, the numeric mode, all tensor names and one small tensor.

    The weights themselves are not read: that would load what the instance is spared.
    """
    digest = hashlib.sha256()
    digest.update(repr(config).encode())
    digest.update(f"{numerics.mode}:{numerics.weight_dtype}".encode())
    digest.update("\n".join(sorted(tensors)).encode())
    norm = dense(tensors["model.norm.weight"])
    digest.update(norm.float().cpu().numpy().tobytes())
    return digest.hexdigest()
