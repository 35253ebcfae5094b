"""Who is faster: measured against a clock that only the runners move."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def racing(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import race

    return race


class Clock:
    def __init__(self):
        self.now, self.order = 0.0, []

    def perf_counter(self):
        return self.now

    def runner(self, name, *seconds):
        left = list(seconds)

        def run():
            self.order.append(name)
            self.now += left.pop(0) if self.order.count(name) % 2 == 0 else 7.0   # the first is not timed

        return run


def test_ratios_are_taken_within_a_round(racing, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(racing, "time", clock)
    # The machine slows down by ten in the middle: for both alike.
    found = racing.race(
        clock.runner("ours", 0.001, 0.01, 0.001),
        {"slow": clock.runner("slow", 0.002, 0.02, 0.004), "fast": clock.runner("fast", 0.0005, 0.005, 0.0005)},
        3,
    )
    assert found == {
        "slow": {"ours_ms": 1.0, "theirs_ms": 4.0, "ratio": 2.0, "quartiles": [2.0, 3.0]},
        "fast": {"ours_ms": 1.0, "theirs_ms": 0.5, "ratio": 0.5, "quartiles": [0.5, 0.5]},
    }


def test_everybody_has_a_turn_in_every_round_and_nobody_always_after_the_same(racing, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(racing, "time", clock)
    names = ["ours", "a", "b"]
    runners = [clock.runner(name, *[1.0] * 30) for name in names]
    racing.race(runners[0], dict(zip(names[1:], runners[1:])), 30)
    assert clock.order[::2] == clock.order[1::2]
    turns = clock.order[::2]
    rounds = [turns[i : i + 3] for i in range(0, 90, 3)]
    assert all(sorted(order) == sorted(names) for order in rounds)
    before = [order[order.index("ours") - 1] for order in rounds if order[0] != "ours"]
    assert min(before.count("a"), before.count("b")) >= 5
