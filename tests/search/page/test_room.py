from unite.search.page.room import Room


def test_what_was_asked_for_least_lately_goes_first():
    room = Room(10, len)
    for name in "abc":
        room.put(name, name * 4)
    assert [room.find(name) for name in "abc"] == [None, "bbbb", "cccc"]
    room.find("b")
    room.put("d", "dddd")
    assert [room.find(name) for name in "bcd"] == ["bbbb", None, "dddd"]
    room.put("e", "e" * 11)
    assert (room.find("e"), room.find("d")) == (None, "dddd")
