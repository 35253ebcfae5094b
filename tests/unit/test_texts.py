"""The texts are the ones they claim to be."""

from pathlib import Path

from pedagogy_lib import data


def test_gettysburg():
    text = data.gettysburg()
    assert text.startswith("Four score and seven years ago")
    assert text.rstrip().endswith("shall not perish from the earth.")
    assert len(text.split("\n\n")) == 3
    assert len(text.replace("--", "").split()) == 271              # battle-field is one word
    assert set("abcdefghijklmnopqrstuvwxyz") - set(text.lower()) == set("jxz")


def test_alice():
    chapters = data.alice()
    assert len(chapters) == 4
    assert chapters[0].startswith("Alice was beginning to get very tired")
    assert chapters[3].endswith("taking not the smallest notice of her or of anything else.")
    letters = [c for chapter in chapters for c in chapter.lower() if c.isalpha()]
    assert set(letters) == set("abcdefghijklmnopqrstuvwxyz") and len(letters) > 30000
    assert all("\n\n" in chapter and "*" not in chapter for chapter in chapters)


def test_every_text_has_its_source_and_license():
    folder = Path(data.__file__).parent
    for path in folder.glob("*.txt"):
        assert f"`{path.name}`" in (folder / "README.md").read_text()
