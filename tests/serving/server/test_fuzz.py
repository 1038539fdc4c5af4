import pytest

from regard.serving.server.config import ServerConfig
from tests.serving.server.fake_engine import FakeEngine
from tests.serving.server.fuzzing import fuzz_document, fuzz_engine

KEY = "key"


@pytest.mark.slow
def test_no_request_made_from_the_document_breaks_the_server(serve, tmp_path):
    engine = FakeEngine(max_model_len=4096)
    url = serve(engine, ServerConfig(api_key=KEY, max_body_mib=1))
    report = fuzz_document(url, api_key=KEY, max_examples=30, seed=1, folder=tmp_path)
    assert report.has_passed, report.text[-5000:]
    assert report.num_cases > 1000
    assert engine.num_running == 0


@pytest.mark.slow
def test_no_good_request_breaks_the_server(serve, tmp_path):
    engine = FakeEngine(max_model_len=4096)
    url = serve(engine, ServerConfig(api_key=KEY))
    report = fuzz_engine(url, api_key=KEY, max_examples=60, seed=1, folder=tmp_path)
    assert report.has_passed, report.text[-5000:]
    assert report.num_cases >= 100
    assert len(engine.requests) > report.num_cases / 3
    assert engine.num_running == 0
