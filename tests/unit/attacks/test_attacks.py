"""The library under attack: every public function of five rooms is given what it cannot use, one argument at a time.

Functions are found by introspection. One that is new fails until it has an example, or stands among the building
blocks, whose docstring says that they trust their arguments. `machinery` has the attacks and says which outcomes are
allowed; `rooms` says what is no attack after all, and why.
"""

import numpy as np
import pytest
from attacks import examples_distributions, examples_inference, examples_learning, examples_models, rooms
from attacks.machinery import Target, attacked

EXAMPLES = (
    examples_distributions.EXAMPLES | examples_inference.EXAMPLES | examples_learning.EXAMPLES | examples_models.EXAMPLES
)
MODULES = dict(rooms.modules())
CASES = [(module, name) for module, found in EXAMPLES.items() for name in found]


@pytest.mark.parametrize(("module", "name"), CASES, ids=[f"{module}-{name}" for module, name in CASES])
def test_a_function_is_right_or_refuses(module, name):
    function = dict(rooms.public(MODULES[module]))[name]
    nameless = module.startswith(rooms.NAMELESS)
    target = Target(function, EXAMPLES[module][name], rooms.unread(module, name), rooms.right(module, name), nameless)
    assert list(attacked(target, trusting=rooms.is_block(module, name))) == []


def test_every_public_function_has_an_example_or_is_a_building_block():
    public = {(module, name) for module, found in MODULES.items() for name, _ in rooms.public(found)}
    missing = {(m, n) for m, n in public if n not in EXAMPLES.get(m, {}) and not rooms.is_block(m, n)}
    assert missing == set()
    assert set(CASES) <= public
    assert len(public) > 1000


def test_a_building_block_says_that_it_is_one():
    silent = []
    for module, found in MODULES.items():
        for name, function in rooms.public(found):
            texts = (function.__doc__, vars(found)[name.split(".")[0]].__doc__, found.__doc__)
            if rooms.is_block(module, name) and not any(rooms.SAYS_SO.search(text or "") for text in texts):
                silent.append(f"{module}.{name}")
    assert silent == []


def test_the_table_of_building_blocks_names_nothing_that_is_not_there():
    for module, listed in rooms.BLOCKS.items():
        names = {part for name, _ in rooms.public(MODULES[module]) for part in (name, *name.split("."))}
        assert set(listed) - names <= {"*"}, module


def wrong(function, **example):
    return [line.rpartition(":")[0] for line in attacked(Target(function, example))]


def test_a_function_without_checks_is_seen():
    found = wrong(lambda y: np.sum(y), y=np.ones((3, 2)))
    assert {"y infinite", "y no number", "y complex", "y true or false", "y masked"} <= set(found)


def test_what_is_broadcast_or_left_unread_is_seen():
    y, x = np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0])
    assert "x one long in axis 0" in wrong(lambda x, y: x * y, x=x, y=y)
    assert "x longer in axis 0" in wrong(lambda x: x[:2], x=x)

    def turned(y):
        if sorted(np.shape(y)) != [2, 4]:
            raise ValueError(f"y: expected shape (4, 2), got {np.shape(y)}")
        return y.sum(0)

    assert "y transposed" in wrong(turned, y=np.arange(8.0).reshape(4, 2))


def test_other_forms_and_units_are_seen():
    x = np.array([1.0, 2.5])
    assert "x single precision" in wrong(lambda x: x + 1e8 - np.float32(1e8), x=x)
    assert "x times 1e300" in wrong(lambda x: x**2 - x**2, x=x)


def test_bad_values_are_seen():
    assert {"n negative", "n fraction", "n true"} <= set(wrong(lambda n: n * 2, n=3))
    assert {"size no number", "size complex"} <= set(wrong(lambda size: size * 2, size=0.5))
    assert "f number" in wrong(lambda f: 1, f=abs)
