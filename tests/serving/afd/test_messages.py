import json

from regard.serving.afd import messages
from regard.serving.afd.messages import request_from_json, request_to_json
from regard.serving.config import EngineConfig
from regard.serving.outputs import EngineStats, RequestOutput, TokenLogprobs
from regard.serving.prompt_image import PromptImage
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams, StructuredOutput


def test_a_request_arrives_with_its_pictures_and_what_it_has_put_out():
    request = Request(
        "r",
        [1, 2, 3],
        SamplingParams(max_tokens=4, stop=("x",)),
        1.5,
        index=2,
        cache_salt="s",
        images=(PromptImage(b"\x89PNG\xff", 1, 2),),
        output_token_ids=[7],
    )
    arrived = request_from_json(json.loads(json.dumps(request_to_json(request))))
    assert vars(arrived) == vars(request)
    assert arrived.images[0].digest == request.images[0].digest


def over_the_wire(data):
    return json.loads(json.dumps(data))


def test_outputs_stats_and_options_arrive_as_they_were():
    output = RequestOutput(
        request_id="r",
        index=0,
        text="é",
        token_ids=(3,),
        logprobs=(TokenLogprobs(3, -0.5, ((3, -0.5), (4, -1.0))),),
        finish_reason="stop",
        stop_reason="x",
        num_prompt_tokens=1,
        num_cached_tokens=0,
        num_output_tokens=1,
    )
    sent = over_the_wire(messages.outputs_to_json([output]))
    assert messages.outputs_from_json(sent) == [output]
    stats = EngineStats(1, 2, 0.5, 4, 5, 6, 7, 8, 9, 10, 11)
    assert messages.stats_from_json(over_the_wire(messages.stats_to_json(stats))) == stats
    config = EngineConfig(model="m", mode="exact", loras=(("a", "b"),), max_model_len=7)
    assert messages.config_from_json(over_the_wire(messages.config_to_json(config))) == config


def test_structured_output_and_stops_survive():
    params = SamplingParams(stop=("a", "b"), structured=StructuredOutput("regex", "x+"))
    request = Request("id", [1], params, 0.0)
    arrived = request_from_json(over_the_wire(request_to_json(request)))
    assert arrived.params == params


def test_counters_of_several_engines_add_up():
    one = EngineStats(1, 2, 0.5, 4, 5, 6, 7, 8, 9, 10, 11)
    both = messages.sum_of([one, one])
    assert both.generation_tokens == 18
    assert both.kv_usage == 0.5
    assert messages.sum_of([]).kv_usage == 0.0
