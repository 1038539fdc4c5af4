import base64
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from regard.serving.images import MAX_PIXELS, ImageError, decode_image, image_size, read_data_uri
from tests.serving.tiny_vision import encoded, picture

PNG = encoded(picture(40, 30))
JPEG = encoded(picture(40, 30), "JPEG")
WEBP = encoded(picture(40, 30), "WEBP")
ORIENTATION = 0x0112


def uri(data: bytes, head: str = "data:image/png;base64") -> str:
    return f"{head},{base64.b64encode(data).decode()}"


def animated(form: str) -> bytes:
    return encoded(picture(8, 8, 1), form, save_all=True, append_images=[picture(8, 8, 2)])


def png_of_size(width: int, height: int) -> bytes:
    """A header that claims a size, with next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("data", [PNG, JPEG, WEBP])
def test_three_formats_are_read(data: bytes):
    assert image_size(data) == (40, 30)
    decoded = decode_image(data)
    assert (decoded.mode, decoded.size) == ("RGB", (40, 30))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "I;16", "CMYK"])
def test_other_modes_become_rgb(mode: str):
    form = "JPEG" if mode == "CMYK" else "PNG"
    source = picture(9, 7).convert("L").convert("I").convert("I;16") if mode == "I;16" else None
    source = source or picture(9, 7).convert(mode)
    assert decode_image(encoded(source, form)).mode == "RGB"


def test_sixteen_bits_keep_their_brightness():
    grey = Image.new("I;16", (4, 4), 32768)
    assert decode_image(encoded(grey)).getpixel((1, 1)) == pytest.approx((128,) * 3, abs=1)


def test_what_is_transparent_is_white():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert decode_image(encoded(clear)).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_is_turned_as_its_camera_was(orientation: int, form: str):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(picture(40, 30), form, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert image_size(data) == expected.size
    assert decode_image(data).tobytes() == expected.tobytes()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_notes_of_a_camera_are_passed_over():
    data = encoded(picture(40, 30), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert image_size(data) == decode_image(data).size == (40, 30)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes are no picture"),
        (b"hello", "no picture that can be read; supported: PNG, JPEG and WebP"),
        (encoded(picture(4, 4), "GIF"), "no picture that can be read"),
        (encoded(picture(4, 4), "BMP"), "no picture that can be read"),
        (animated("PNG"), r"animated \(2 frames\)"),
        (animated("WEBP"), r"animated \(2 frames\)"),
        (png_of_size(8000, 8000), "8000 x 8000, more than 50,000,000 pixels"),
        (png_of_size(100_000, 100_000), "more than 50,000,000 pixels"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_it_is_decoded(data: bytes, message: str):
    for read in (image_size, decode_image):
        with pytest.raises(ImageError, match=message) as refusal:
            read(data)
        assert refusal.value.code == "invalid_image"


def test_the_limit_lets_a_phones_picture_pass():
    assert MAX_PIXELS >= 8000 * 6000
    assert image_size(png_of_size(8000, 6000)) == (8000, 6000)


@pytest.mark.parametrize("data", [PNG[:-60], JPEG[:-300], WEBP[:-30], png_of_size(40, 30)])
def test_a_file_that_was_cut_off_is_refused(data: bytes):
    with pytest.raises(ImageError, match=r"corrupt or cut off|no picture"):
        decode_image(data)


@given(st.sampled_from([PNG, JPEG, WEBP]), st.data())
def test_no_damage_leads_to_another_kind_of_error(file: bytes, data: st.DataObject):
    damaged = bytearray(file)
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        image_size(bytes(damaged))
        decode_image(bytes(damaged))
    except ImageError:
        pass


@given(st.binary(max_size=200))
def test_no_bytes_lead_to_another_kind_of_error(data: bytes):
    with pytest.raises(ImageError):
        decode_image(data)


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/jpg", "IMAGE/WEBP"])
def test_data_uris_are_read(kind: str):
    assert read_data_uri(uri(PNG, f"data:{kind};base64")) == PNG
    assert read_data_uri(uri(PNG, f"data:{kind};charset=utf-8;base64")) == PNG


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be data:image"),
        ("data:image/png;base64", "must be data:image"),
        ("data:image/png,abc", "must be data:image"),
        ("http://a/b.png", "must be data:image"),
        ("data:image/gif;base64,AAAA", "'image/gif'; supported"),
        ("data:text/html;base64,AAAA", "'text/html'; supported"),
        ("data:image/png;base64,A", "base64 is broken"),
        ("data:image/png;base64,A*==", "base64 is broken"),
        ("data:image/png;base64,ä", "base64 is broken"),
    ],
)
def test_other_uris_are_refused(text: str, message: str):
    with pytest.raises(ImageError, match=message):
        read_data_uri(text)


def test_several_jpegs_in_one_file_are_the_first():
    stream = io.BytesIO()
    first, second = picture(40, 30, 1), picture(40, 30, 2)
    first.save(stream, "MPO", save_all=True, append_images=[second])
    assert image_size(stream.getvalue()) == (40, 30)
    difference = abs(
        decode_image(stream.getvalue()).getpixel((5, 5))[0] - first.getpixel((5, 5))[0]
    )
    assert difference < 30
