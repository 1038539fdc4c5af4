from regard.serving.bench.prompts import built_in_prompts, random_prompts


def test_built_in_prompts_differ_and_then_repeat():
    prompts = built_in_prompts(130)
    assert len(set(prompts[:128])) == 128
    assert prompts[128:] == prompts[:2]
    assert not any("{" in prompt for prompt in prompts)


def test_random_prompts_have_the_length_and_only_given_tokens():
    prompts = random_prompts(5, 40, [3, 5, 8, 250], seed=0)
    assert [len(prompt) for prompt in prompts] == [40] * 5
    assert {token for prompt in prompts for token in prompt} == {3, 5, 8, 250}
    assert all(type(token) is int for token in prompts[0])


def test_the_seed_decides():
    first = random_prompts(2, 30, range(100), seed=(1, 2))
    assert first == random_prompts(2, 30, range(100), seed=(1, 2))
    assert first != random_prompts(2, 30, range(100), seed=(1, 3))
    assert first[0][:10] != first[1][:10]
