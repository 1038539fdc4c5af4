import pytest
import torch

from regard.serving.afd.assignment import Assignment
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.link.choice import choose_link
from regard.serving.config import EngineConfig
from regard.serving.errors import InvalidRequestError
from regard.serving.models.weights import open_model

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.parametrize(
    ("asked", "device", "expected"),
    [
        ("auto", CPU, "tcp"),
        ("auto", GPU, "peer"),
        ("tcp", CPU, "tcp"),
        ("gloo", CPU, "gloo"),
        ("nccl", GPU, "nccl"),
        ("peer", GPU, "peer"),
    ],
)
def test_what_is_asked_for_is_taken_where_it_can_be(asked, device, expected):
    assert choose_link(AfdConfig(afd_link=asked), device, 2) == expected


@pytest.mark.parametrize(
    ("asked", "device", "options", "reason"),
    [
        ("nccl", CPU, {}, "--afd-link nccl goes from GPU to GPU, and the device is the CPU"),
        ("peer", CPU, {}, "--afd-link peer goes from GPU to GPU"),
        ("tcp", GPU, {}, "--afd-link tcp goes from CPU to CPU, and the rows are on a GPU: use "),
        ("gloo", GPU, {}, "the rows are on a GPU"),
        ("gloo", CPU, {"afd_link_delay_us": 5.0}, "cannot be slowed down by 5 us: only tcp can"),
        ("peer", GPU, {"afd_link_delay_us": 5.0}, "only tcp can"),
        ("peer", GPU, {"trace": "yes"}, "where --trace does not see them"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(asked, device, options, reason):
    with pytest.raises(InvalidRequestError, match=reason):
        choose_link(AfdConfig(afd_link=asked, **options), device, 2)


def test_nccl_needs_a_gpu_for_each_instance_that_is_started_here():
    with pytest.raises(InvalidRequestError, match="3 instances, 2 GPUs here"):
        choose_link(AfdConfig(afd_link="nccl"), GPU, 3)
    assert choose_link(AfdConfig(afd_link="nccl", afd_spawn=False), GPU, 3) == "nccl"
    assert choose_link(AfdConfig(afd_link="peer"), GPU, 3) == "peer"


def test_on_gpus_of_several_machines_rows_go_over_nccl():
    assert choose_link(AfdConfig(afd_spawn=False), GPU, 3) == "nccl"


@pytest.mark.parametrize(
    ("role", "index", "gpu"),
    [("attention", 0, 0), ("attention", 1, 1), ("ffn", 0, 0), ("ffn", 1, 1)],
)
def test_instances_take_the_gpus_in_turn(monkeypatch, role, index, gpu):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    devices = []

    def open_on_cpu(model, *, device, **options):
        devices.append(device)
        return open_model(model, **options)

    monkeypatch.setattr("regard.serving.afd.assignment.open_model", open_on_cpu)
    config = EngineConfig(model="step3-mini", load_format="dummy")
    assignment = Assignment(role, index, config, AfdConfig(afd="2A2F"), "", may_spin=False)
    assert assignment.numerics.device == torch.device("cuda", gpu)
    assert assignment.link == "peer"
    # Where one piece would draw them: a GPU draws other weights than a CPU.
    assert devices == [torch.device("cuda")]
