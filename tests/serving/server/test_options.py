import pytest

from regard.common.errors import UserError
from regard.serving.config import EngineConfig
from regard.serving.server.options import parse_options

FLAGS = """
--model m --served-model-name s --max-model-len 64
--dtype float32 --kv-cache-dtype auto --gpu-memory-utilization 0.5
--load-format dummy --mode exact --max-num-seqs 2 --max-num-batched-tokens 32
--max-waiting 3 --seed 4 --no-enable-prefix-caching --threads 1
--device cpu --block-size 8 --chat-template t.jinja --lora a=path/a --lora b=path=b
--api-key k --max-body-mib 2 --max-images 5 --allow-remote-images --image-cache-mib 9
--uvicorn-log-level info
"""


def test_nothing_said_is_the_default_model_on_loopback():
    options = parse_options([])
    assert options.engine_config == EngineConfig()
    assert (options.host, options.port, options.api_key) == ("127.0.0.1", 8000, None)


def test_the_model_can_be_the_first_argument():
    assert parse_options(["some/model", "--port", "1"]).engine_config.model == "some/model"


def test_flags_have_the_names_vllm_users_know():
    options = parse_options(FLAGS.split())
    assert options.engine_config == EngineConfig(
        model="m",
        served_model_name="s",
        max_model_len=64,
        dtype="float32",
        gpu_memory_utilization=0.5,
        load_format="dummy",
        mode="exact",
        max_num_seqs=2,
        max_num_batched_tokens=32,
        max_waiting=3,
        seed=4,
        enable_prefix_caching=False,
        num_threads=1,
        device="cpu",
        block_size=8,
        chat_template="t.jinja",
        loras=(("a", "path/a"), ("b", "path=b")),
        image_cache_mib=9,
    )
    assert options.server_config.api_key == "k"
    assert options.server_config.max_body_bytes == 2 * 2**20
    assert options.server_config.max_images == 5
    assert options.server_config.allow_remote_images
    assert not parse_options([]).server_config.allow_remote_images


@pytest.mark.parametrize(
    "argv",
    [["--frob"], ["--port", "x"], ["--mode", "slow"], ["--lora", "path"], ["--lora", "=path"]],
)
def test_a_wrong_flag_ends_with_status_2(argv: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        parse_options(argv)
    assert stop.value.code == 2
    assert argv[0] in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--torchrun"], ["--ray", "auto"]])
def test_what_starts_instances_needs_to_know_how_many(flags: list[str]):
    with pytest.raises(UserError, match="say how many with --afd"):
        parse_options(flags)
    assert parse_options([*flags, "--afd", "1A1F"]).afd == "1A1F"


def test_help_has_every_flag_and_an_example(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        parse_options(["--help"])
    shown = capsys.readouterr().out
    assert stop.value.code == 0
    assert "regard serve default --port 8000" in shown
    for flag in ("--afd-spawn, --no-afd-spawn", "--torchrun", "--ray {None}|STR"):
        assert flag in shown
    for flag in ("--lora NAME=PATH", "--max-model-len", "--no-enable-prefix-caching", "--threads"):
        assert flag in shown
