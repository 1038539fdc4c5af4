from regard.common.errors import UserError
from regard.serving import errors


def test_the_tree_is_as_its_docstring_draws_it():
    assert issubclass(errors.ContextLengthError, errors.InvalidRequestError)
    for name in (
        "InvalidRequest",
        "UnknownModel",
        "QueueFull",
        "EngineStopped",
        "StepFailed",
        "Weights",
    ):
        assert issubclass(getattr(errors, f"{name}Error"), errors.ServingError)


def test_messages_carry_the_values():
    assert str(errors.WeightsError("a/b.gguf", "truncated")) == "a/b.gguf: truncated"
    assert isinstance(errors.WeightsError("a", "b"), UserError)
    unknown = errors.UnknownModelError("x", ["y", "z"])
    assert str(unknown) == "model 'x' is not served here; served: y, z"
    assert errors.QueueFullError(7, retry_after_seconds=2).retry_after_seconds == 2
