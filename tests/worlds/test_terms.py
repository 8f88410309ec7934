import json
from pathlib import Path

import unite.worlds
from unite.worlds.emoji import EmojiWorld
from unite.worlds.terms import Terms, terms_of


def test_built_in_worlds_are_under_the_licence_of_their_pictures():
    for folder, world in (
        ("emoji/atlas/atlas.json", EmojiWorld),
        ("people/atlas/people.json", type("P", (), {"__module__": "unite.worlds.people.x"})),
    ):
        pictures = json.loads((Path(unite.worlds.__file__).parent / folder).read_text())
        assert terms_of(world) == Terms(pictures["license"], ("en",))


def test_a_users_own_world_says_them_itself_or_they_are_unknown():
    own = type("Own", (), {"licence": "MIT", "languages": ["cs"]})
    assert terms_of(own) == Terms("MIT", ("cs",)) and terms_of(dict) == Terms()
