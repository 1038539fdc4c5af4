import numpy as np
import pytest
from gguf import GGUFReader, GGUFWriter

from regard.serving.models.gguf_reader import QuickGGUFReader


@pytest.fixture
def path(tmp_path):
    """Metadata of every kind beside one tensor."""
    file = tmp_path / "small.gguf"
    writer = GGUFWriter(file, "llama")
    writer.add_string("text", "héllo")
    writer.add_uint32("number", 7)
    writer.add_array("words", ["a", "", "漢字", "x" * 300])
    writer.add_array("whole", [3, -1, 2**30])
    writer.add_array("real", [0.5, -2.0])
    writer.add_array("flags", [True, False])
    writer.add_tensor("weight", np.arange(64, dtype=np.float32).reshape(2, 32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_it_reads_what_the_package_reads(path):
    ours, theirs = QuickGGUFReader(path), GGUFReader(path)
    assert list(ours.fields) == list(theirs.fields)
    for name, field in theirs.fields.items():
        assert ours.fields[name].contents() == field.contents(), name
        assert ours.fields[name].types == field.types, name
    assert ours.fields["words"].contents() == ["a", "", "漢字", "x" * 300]
    assert ours.data_offset == theirs.data_offset
    assert (ours.tensors[0].data == theirs.tensors[0].data).all()


def test_a_file_cut_within_an_array_is_an_error(path):
    whole = path.read_bytes()
    for word in (b"x" * 300, "漢字".encode()):
        path.write_bytes(whole[: whole.index(word) + 3])
        with pytest.raises((ValueError, IndexError)):
            QuickGGUFReader(path)


def test_a_length_past_the_file_is_an_error_at_once(path):
    """A corrupt length must not be read element by element."""
    whole = bytearray(path.read_bytes())
    for name in (b"words", b"whole"):
        place = whole.index(name) + len(name) + 4 + 4
        corrupt = bytearray(whole)
        corrupt[place : place + 8] = (2**40).to_bytes(8, "little")
        path.write_bytes(corrupt)
        with pytest.raises((ValueError, IndexError)):
            QuickGGUFReader(path)
