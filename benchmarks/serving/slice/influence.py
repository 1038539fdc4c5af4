"""Whether what the FFN GPU returns matters to what is sampled."""

from torch import Tensor


def compare_tokens(sampled: Tensor, without: Tensor) -> str:
    """Says how many tokens the FFN GPU's results change.

    Args:
        sampled: Tokens of one step, and
        without: those of the same step without these results.

    Raises:
        SystemExit: None changes, so that the FFN GPU might as well be left out.
    """
    changed = int((sampled != without).sum())
    if not changed:
        raise SystemExit("sampled tokens do not depend on what the FFN GPU returns")
    return f"without what the FFN GPU returns {changed} of {len(sampled)} sampled tokens change"
