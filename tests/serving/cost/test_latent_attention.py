"""MLA and its sparse form."""

import dataclasses

import pytest

from regard.serving.cost.latent_attention import LatentAttention, SparseIndex
from regard.serving.cost.precision import Precision

MLA = LatentAttention(
    layers=61,
    hidden=7168,
    heads=128,
    query_rank=1536,
    kv_rank=512,
    rope_dim=64,
    nope_dim=128,
    value_dim=128,
    kv_precision=Precision.FP8,
)
INDEX = SparseIndex(heads=64, dim=128, top_k=2048, precision=Precision.FP8)
DSA = dataclasses.replace(MLA, index=INDEX)


def test_rules_the_paper_leaves_unsaid_are_marked() -> None:
    assert "p.v too" in str(MLA.attention_flops(1)[0].rule)
    rules = [each.rule for each in MLA.projections() if each.name.startswith("absorbed")]
    assert len(rules) == 2
    assert all(rule and "unsaid" in rule for rule in rules)


def test_without_a_low_rank_query_there_is_one_query_matrix() -> None:
    plain = dataclasses.replace(MLA, query_rank=None)
    assert [each.name for each in plain.projections()][0] == "query"


@pytest.mark.parametrize("context", [100, 2048, 50_000])
def test_sparse_attention_attends_to_the_best_and_scores_all(context: int) -> None:
    latents, keys = DSA.kv_bytes(context)
    assert latents.value == 576 * 61 * min(context, 2048)
    assert keys.value == 128 * 61 * context
    attended, scores = DSA.attention_flops(context)
    assert attended.value == 4 * 128 * 576 * 61 * min(context, 2048)
    assert scores.value == 2 * 64 * 128 * 61 * context
    assert DSA.cached_bytes(context) == (576 + 128) * 61 * context


def test_the_indexer_adds_three_matrices() -> None:
    assert len(DSA.projections()) == len(MLA.projections()) + 3
    assert (MLA.family, DSA.family) == ("MLA", "DSA")
