import json

from regard.serving.prompt_image import PromptImage

FILE = b"\x89PNG\xff"


def test_a_picture_travels_as_json():
    image = PromptImage(FILE, 7, 11)
    again = PromptImage.from_json(json.loads(json.dumps(image.to_json())))
    assert again == image
    assert again.digest == image.digest


def test_other_files_have_other_digests_wherever_they_stand():
    assert PromptImage(FILE, 7, 11).digest == PromptImage(FILE, 0, 11).digest
    assert PromptImage(FILE + b"x", 7, 11).digest != PromptImage(FILE, 7, 11).digest
