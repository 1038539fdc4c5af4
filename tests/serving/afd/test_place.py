from regard.serving.afd.place import Place, place_names
from regard.serving.afd.topology import Topology
from regard.serving.afd.trace import kind_and_number


def test_places_are_named_by_kind_and_number():
    names = place_names(Topology(2, 1), 1)
    assert names == ["attention0", "attention1", "ffn0", "spare0"]
    assert [kind_and_number(name) for name in names][1:3] == [("attention", 1), ("ffn", 0)]
    assert Place("ffn12").number == 12
