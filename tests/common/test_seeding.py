from regard.common.seeding import MAX_SEED, derive_seed, numpy_generator, python_generator


def test_a_derived_seed_never_changes() -> None:
    assert derive_seed(0, "prompts", 3) == 5051195699870899950


def test_names_and_seeds_are_told_apart() -> None:
    seeds = {
        derive_seed(0),
        derive_seed(1),
        derive_seed(0, "a"),
        derive_seed(0, "a", "b"),
        derive_seed(0, "ab"),
        derive_seed(0, 1),
        derive_seed(0, "1"),
        derive_seed(1, "a"),
    }
    assert len(seeds) == 8
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


def test_generators_repeat_for_a_seed_and_name() -> None:
    assert numpy_generator(3, "a").random() == numpy_generator(3, "a").random()
    assert numpy_generator(3, "a").random() != numpy_generator(3, "b").random()
    assert python_generator(3, "a").random() == python_generator(3, "a").random()
