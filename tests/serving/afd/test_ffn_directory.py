from regard.serving.afd.ffn_directory import FfnDirectory


def test_a_new_holder_has_a_higher_generation_and_the_loss_of_one_is_known():
    directory = FfnDirectory(2)
    assert not directory.is_complete
    assert directory.put(0, ("h", 1)) == {"address": ["h", 1], "generation": 1}
    directory.put(1, ("h", 2))
    assert directory.is_complete
    directory.remove(0)
    assert not directory.is_complete
    assert [ffn for ffn, _ in directory.entries()] == [1]
    assert directory.put(0, ("h", 3))["generation"] == 2
    assert dict(directory.entries())[0] == {"address": ["h", 3], "generation": 2}
