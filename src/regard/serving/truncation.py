"""Which tokens top-k, top-p and min-p keep."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.sampling_params import SamplingParams

# How many of the likeliest tokens to look at for top-p, before all are sorted (on a CPU a sort of
# 49,152 takes 40 times as long as finding the likeliest 64, which nearly always suffice).
TOP_P_WIDTHS = (64, 1024)


def truncates(params: SamplingParams) -> bool:
    """Whether anything may be dropped."""
    return params.top_k > 0 or params.top_p < 1.0 or params.min_p > 0.0


def least_kept(
    logits: Float[Tensor, "rows vocab"], params: Sequence[SamplingParams]
) -> Float[Tensor, " rows"]:
    """The least logit that stays in each row.

    Top-k, top-p and min-p apply in this order, each among what the one before left. Each keeps the
    likeliest, so that one bound a row describes all three; tokens equal to it stay, whichever of
    them a sort puts first.
    """
    bounds = torch.full((len(params),), -math.inf, device=logits.device)
    for width, rows in _rows_by_width(params, logits.shape[1]).items():
        part = logits if len(rows) == len(params) else logits[rows]
        bounds[rows] = _sorted_bounds(part, [params[row] for row in rows], width)
    if any(p.min_p > 0.0 for p in params):
        # p / p_max >= min_p, in logarithms.
        shares = [math.log(p.min_p) if p.min_p else -math.inf for p in params]
        least = logits.amax(-1) + torch.tensor(shares, device=logits.device)
        bounds = torch.maximum(bounds, least)
    return bounds


def _rows_by_width(params: Sequence[SamplingParams], vocab: int) -> dict[int, list[int]]:
    """Rows with a top-k or top-p, by how many tokens to look at first."""
    groups: dict[int, list[int]] = {}
    for row, p in enumerate(params):
        if 0 < p.top_k < vocab:
            # A row's width must not depend on its neighbours: sums over another width round
            # otherwise. Powers of two keep the groups few.
            groups.setdefault(min(1 << (p.top_k - 1).bit_length(), vocab), []).append(row)
        elif p.top_p < 1.0:
            groups.setdefault(min(TOP_P_WIDTHS[0], vocab), []).append(row)
    return groups


def _sorted_bounds(
    logits: Float[Tensor, "rows vocab"], params: Sequence[SamplingParams], width: int
) -> Float[Tensor, " rows"]:
    """Bounds of top-k and top-p from the `width` likeliest, or from more where they are too few."""
    vocab = logits.shape[1]
    best = torch.topk(logits, width, dim=-1).values
    sizes = torch.tensor([p.top_k or vocab for p in params], device=logits.device)
    is_limited = sizes < vocab
    place = torch.arange(width, device=logits.device)
    outside = place >= sizes[:, None]
    normaliser = torch.where(
        is_limited,
        best.masked_fill(outside, -math.inf).logsumexp(-1),
        best[:, 0] if is_limited.all() else logits.logsumexp(-1),
    )
    shares = torch.tensor([p.top_p for p in params], device=logits.device)[:, None]
    sums = (best - normaliser[:, None]).exp().cumsum(-1)
    # A token stays if those before it do not yet reach p; the likeliest always stays. Rounding of
    # the sums must not drop anything where p is 1.
    reached = torch.cat([torch.zeros_like(sums[:, :1]), sums[:, :-1]], dim=1) >= shares
    dropped = outside | (reached & (shares < 1.0))
    dropped[:, 0] = False
    count = width - dropped.sum(-1)
    bounds = best.gather(1, count[:, None] - 1)[:, 0]
    short = ((count == width) & ~is_limited).nonzero()[:, 0].tolist() if width < vocab else []
    if short:
        wider = min(next((w for w in TOP_P_WIDTHS if w > width), vocab), vocab)
        bounds[short] = _sorted_bounds(logits[short], [params[row] for row in short], wider)
    return bounds
