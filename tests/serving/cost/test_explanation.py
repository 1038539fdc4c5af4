import re

from regard.serving.cost.accelerators import choose, read_accelerators
from regard.serving.cost.analysis import NO_SPECULATION, Speculation, token_cost
from regard.serving.cost.architectures import preset
from regard.serving.cost.explanation import explain

ACCELERATORS = [choose(read_accelerators(), name) for name in ("h800", "h20")]
QUOTED = re.compile(r"= ([\d.]+) USD per million tokens")


def test_the_dollars_explained_are_those_of_the_analysis() -> None:
    step3 = preset("step3").architecture
    for speculation in (NO_SPECULATION, Speculation(num_drafted=1, acceptance=0.7)):
        cost = token_cost(step3, ACCELERATORS, 8192, speculation)
        found = QUOTED.findall("\n".join(explain(step3, ACCELERATORS, 8192, speculation)))
        expected = [
            *(
                usd
                for name in cost.ffn_usd
                for usd in (cost.attention_usd[name], cost.ffn_usd[name])
            ),
            cost.afd_usd,
        ]
        assert found == [f"{usd:.4g}" for usd in expected]


def test_arithmetic_that_an_accelerator_lacks_is_said() -> None:
    a800 = [choose(read_accelerators(), "a800")]
    qwen = preset("qwen3-235b-a22b").architecture
    fp8 = preset("step3").architecture
    assert any(
        "no fp8 arithmetic" in line
        for model in (qwen, fp8)
        for line in explain(model, a800, 4096, NO_SPECULATION)
    )
