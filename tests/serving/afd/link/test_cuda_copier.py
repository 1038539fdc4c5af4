import pytest
import torch

from regard.serving.afd.link import cuda_copier
from regard.serving.afd.link.cuda_copier import CudaCopier, CudaError
from regard.serving.afd.link.signals import NUM_BYTES, SignalPage

gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def on_gpu(test):
    for mark in gpu:
        test = mark(test)
    return test


@pytest.fixture
def copier():
    copier = CudaCopier(torch.device("cuda", 0))
    yield copier
    torch.cuda.synchronize()
    copier.close()


@pytest.fixture
def page():
    page = SignalPage.create()
    yield page
    page.close()


def test_a_failed_call_is_named_with_the_driver_s_words(monkeypatch):
    class Driver:
        def cuMemFree_v2(self, address):
            return 1

        def cuGetErrorString(self, status, text):
            text._obj.value = b"invalid argument"

    monkeypatch.setattr(cuda_copier, "_driver", Driver)
    with pytest.raises(CudaError, match=r"^cuMemFree_v2: invalid argument \(1\)$"):
        cuda_copier._call("cuMemFree_v2", 5)


@on_gpu
def test_a_word_is_seen_after_its_copy(copier, page):
    signals = copier.register(page.address, NUM_BYTES)
    target = copier.allocate(1 << 20)
    source = torch.randint(0, 255, (1 << 20,), dtype=torch.uint8, device="cuda")
    copier.send(target, source, signals + 8 * 2, 2**40 + 5)
    torch.cuda.synchronize()
    assert page.words[2] == 2**40 + 5
    assert torch.equal(copier.tensor(target, 1 << 20), source)
    assert copier.is_idle()


@on_gpu
def test_a_stream_waits_for_a_word_and_makes_it_0(copier, page):
    signals = copier.register(page.address, NUM_BYTES)
    value, done = torch.zeros(1, device="cuda"), torch.cuda.Event()
    # A kernel is loaded with its first launch, which waits for all streams.
    value += 1
    torch.cuda.synchronize()
    copier.wait(signals)
    value += 1
    done.record()
    assert not done.query()
    assert not copier.is_idle()
    page.words[0] = 1
    torch.cuda.synchronize()
    assert page.words[0] == 0
    assert value.item() == 2


@on_gpu
def test_memory_that_nobody_shares_cannot_be_opened(copier):
    with pytest.raises(CudaError, match="cuIpcOpenMemHandle_v2"):
        copier.open("00" * 64)
