import json

from regard.serving.afd.messages import request_from_json, request_to_json
from regard.serving.images import PromptImage
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams


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
