"""Learning a model by its gradient: closed forms, both backends, early stopping, interrupts, and going on."""

import os
import pickle
import signal
import threading
from itertools import islice
from typing import NamedTuple

import numpy as np
import pytest

from pedagogy_lib import kernels
from pedagogy_lib.learning import optimization, parameters

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.7 + 0.3 * RNG.normal(size=60)
BEST = np.linalg.lstsq(np.column_stack([X, np.ones(60)]), Y, rcond=None)[0]
METHODS = [optimization.GradientDescent(0.1), optimization.Momentum(0.05, 0.8), optimization.Adam(0.05)]


class Line(NamedTuple):
    slopes: np.ndarray
    offset: float


class Regression:
    """Least squares, as a module would have it. Noise on the inputs makes the loss random."""

    noise = 0.0
    calls = 0

    def start(self, dtype=float):
        return Line(np.zeros(3, dtype), np.zeros((), dtype))

    def residual(self, params, y, rng):
        x, y = y
        x = (x + self.noise * rng.standard_normal(x.shape)).astype(params.slopes.dtype)
        return x, x @ params.slopes + params.offset - y.astype(params.slopes.dtype)

    def loss(self, params, y, rng):
        self.calls += 1
        return 0.5 * (self.residual(params, y, rng)[1] ** 2).mean()

    def gradient(self, params, y, rng):
        x, e = self.residual(params, y, rng)
        return Line(x.T @ e / len(e), e.mean())


class InOneCall(Regression):
    def value_and_gradient(self, params, y, rng):
        x, e = self.residual(params, y, rng)
        return 0.5 * (e**2).mean(), Line(x.T @ e / len(e), e.mean())


class Noisy(InOneCall):
    noise = 0.3


def rng(seed=0):
    return np.random.default_rng(seed)


def learn(model=None, seed=1, **options):
    model = model or InOneCall()
    return optimization.run(model, model.start(), (X, Y), rng(seed), **options)


def vector(params):
    return parameters.flatten(params).vector


@pytest.mark.parametrize("method", METHODS)
def test_every_method_reaches_the_least_squares(method):
    found = learn(method=method, iterations=5000, tolerance=1e-10)
    assert found.stopped == "converged"
    np.testing.assert_allclose(vector(found.params), BEST, rtol=1e-8)
    assert isinstance(found.params, Line)
    assert found.path is None
    assert len(found.losses) == found.state.iteration < 5000


@pytest.mark.parametrize(("method", "walk"), list(zip(METHODS, ["gradient_descent", "momentum", "adam"])))
def test_a_model_is_walked_as_a_function_of_a_vector_is(method, walk):
    """Both doors lead to one method: the path is that of the stream of chapter 4.1, to the last bit."""
    model, like = Regression(), Regression().start()
    found = learn(model, method=method, iterations=20, keep_path=True)
    loss = lambda v: model.loss(parameters.view(v, like), (X, Y), rng())
    slope = lambda v: parameters.flatten(model.gradient(parameters.view(v, like), (X, Y), rng())).vector
    events = list(islice(getattr(optimization, walk)(loss, slope, np.zeros(4), *method[:2]), 21))
    for params, event in zip(found.path, events[1:]):
        np.testing.assert_array_equal(vector(params), event.params)
    np.testing.assert_array_equal(found.losses, [event.loss for event in events[:20]])
    assert not np.allclose(vector(found.path[0]), events[2].params)      # one step late is seen


def test_the_start_is_not_changed_and_the_stream_keeps_its_past():
    model, start = InOneCall(), InOneCall().start()
    events = list(islice(optimization.iterate(model, start, (X, Y), rng()), 3))
    assert [event.iteration for event in events] == [0, 1, 2]
    assert not start.slopes.any()
    assert not np.array_equal(events[0].params.slopes, events[2].params.slopes)
    found = learn(iterations=3, keep_path=True)
    np.testing.assert_array_equal(found.path[0].slopes, events[0].params.slopes)
    assert found.losses[1] == events[1].loss


@pytest.mark.parametrize("method", METHODS)
def test_single_precision_stays_single(method):
    model = InOneCall()
    found = optimization.run(model, model.start(np.float32), (X, Y), rng(), method=method, iterations=300, batch_size=20)
    assert found.params.slopes.dtype == found.params.offset.dtype == np.float32
    assert {one.dtype for one in found.state.memory} <= {np.dtype(np.float32)}
    np.testing.assert_allclose(vector(found.params), BEST, atol=0.15)


def test_one_call_or_two_give_the_same():
    """Also where the loss is random: the loss sees the draws of its gradient."""
    class InTwoCalls(Regression):
        noise = 0.3

    one, two = learn(Noisy(), batch_size=7, iterations=50), learn(InTwoCalls(), batch_size=7, iterations=50)
    np.testing.assert_array_equal(one.losses, two.losses)
    np.testing.assert_array_equal(vector(one.params), vector(two.params))
    assert not np.array_equal(one.losses, learn(Noisy(), seed=2, batch_size=7, iterations=50).losses)


def test_batches_see_every_observation_once_a_pass():
    seen = []

    class Watched(InOneCall):
        def value_and_gradient(self, params, y, rng):
            seen.append(y[1])
            return super().value_and_gradient(params, y, rng)

    learn(Watched(), batch_size=25, iterations=6)
    assert [len(batch) for batch in seen] == [25, 25, 10] * 2
    np.testing.assert_array_equal(np.sort(np.concatenate(seen[:3])), np.sort(Y))
    assert not np.array_equal(seen[0], seen[3])


@pytest.mark.parametrize("model", [InOneCall, Noisy])
@pytest.mark.parametrize("method", METHODS)
def test_it_goes_on_bit_for_bit_from_a_file(method, model, tmp_path):
    options = {"method": method, "batch_size": 7, "validation": (X[:9], Y[:9]), "every": 4}
    whole = learn(model(), iterations=41, **options)
    half = learn(model(), iterations=18, **options)
    optimization.save(tmp_path / "half.npz", half.state)
    state = optimization.load(tmp_path / "half.npz", model().start())
    rest = optimization.resume(model(), state, (X, Y), iterations=41, **options)
    np.testing.assert_array_equal(np.concatenate([half.losses, rest.losses]), whole.losses)
    validations = np.concatenate([half.validation_losses, rest.validation_losses])
    np.testing.assert_array_equal(validations, whole.validation_losses)
    np.testing.assert_array_equal(vector(rest.state.params), vector(whole.state.params))
    np.testing.assert_array_equal(vector(rest.params), vector(whole.params))
    # Without the method's memory, or with other randomness, it would be another path.
    other = optimization.resume(model(), state._replace(randomness=rng(9).bit_generator.state), (X, Y),
                                iterations=41, **options)
    assert not np.array_equal(other.losses, rest.losses)


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_bit_generator_is_kept(bits, tmp_path):
    source = np.random.Generator(bits(3))
    found = optimization.run(Noisy(), Noisy().start(), (X, Y), source, iterations=5, batch_size=8)
    optimization.save(tmp_path / "state.npz", found.state)
    state = optimization.load(tmp_path / "state.npz", Noisy().start())
    rest = optimization.resume(Noisy(), state, (X, Y), iterations=9, batch_size=8)
    source = np.random.Generator(bits(3))
    whole = optimization.run(Noisy(), Noisy().start(), (X, Y), source, iterations=9, batch_size=8)
    np.testing.assert_array_equal(vector(rest.params), vector(whole.params))


def strikes_at(call, strike):
    """A model whose gradient is interrupted, after it has drawn its random numbers."""
    class Struck(Noisy):
        count = 0

        def value_and_gradient(self, params, y, rng):
            found = super().value_and_gradient(params, y, rng)
            self.count += 1
            if self.count == call:
                strike()
            return found

    return Struck()


def keyboard():
    raise KeyboardInterrupt


@pytest.fixture
def listening():
    """A process that was started in the background ignores the interrupt; here none does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("strike", [keyboard, lambda: os.kill(os.getpid(), signal.SIGINT)])
def test_an_interrupt_keeps_what_was_learned(strike, listening):
    """And leaves no half of a step: the rest follows as if nothing had happened."""
    struck = learn(strikes_at(12, strike), batch_size=7, iterations=30)
    assert struck.stopped == "interrupted"
    assert struck.state.iteration == len(struck.losses) == 11
    rest = optimization.resume(Noisy(), struck.state, (X, Y), batch_size=7, iterations=30)
    whole = learn(Noisy(), batch_size=7, iterations=30)
    np.testing.assert_array_equal(np.concatenate([struck.losses, rest.losses]), whole.losses)
    np.testing.assert_array_equal(vector(rest.params), vector(whole.params))


def test_an_interrupt_within_a_step_waits_for_its_end(listening):
    class Slow(NamedTuple):
        def begin(self, params):
            return ()

        def move(self, params, iteration, gradient, memory):
            params[:2] -= 0.1 * gradient[:2]
            if iteration == 4:
                os.kill(os.getpid(), signal.SIGINT)
            params[2:] -= 0.1 * gradient[2:]
            return memory

    struck = learn(method=Slow(), iterations=30)
    whole = learn(method=optimization.GradientDescent(0.1), iterations=5)
    assert (struck.stopped, struck.state.iteration, len(struck.losses)) == ("interrupted", 5, 5)
    np.testing.assert_allclose(vector(struck.params), vector(whole.params), rtol=1e-14)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_over_is_over():
    """A run that has gone further than is asked for takes no more steps."""
    found = learn(iterations=8)
    again = optimization.resume(InOneCall(), found.state, (X, Y), iterations=5)
    assert (len(again.losses), again.state.iteration, again.stopped) == (0, 8, "iterations")
    np.testing.assert_array_equal(vector(again.params), vector(found.params))


def test_a_run_in_a_thread_needs_no_signals():
    found = []
    thread = threading.Thread(target=lambda: found.append(learn(iterations=8)))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(vector(found[0].params), vector(learn(iterations=8).params))


def test_early_stopping_returns_the_best_on_the_validation_data():
    """Five observations, twelve slopes: the loss on others falls, then rises."""
    source = rng(5)
    x, truth = source.normal(size=(200, 12)), np.r_[2.0, np.zeros(11)]
    y = x @ truth + source.normal(size=200)
    train, held_out = (x[:14], y[:14]), (x[14:], y[14:])

    class Many(InOneCall):
        def start(self):
            return Line(np.zeros(12), 0.0)

    options = {"method": optimization.GradientDescent(0.05), "validation": held_out, "every": 5}
    full = optimization.run(Many(), Many().start(), train, rng(), iterations=2000, **options)
    short = optimization.run(Many(), Many().start(), train, rng(), iterations=2000, patience=3, **options)
    assert full.stopped == "iterations"
    assert short.stopped == "patience"
    best = short.validation_losses.min()
    assert short.validation_losses.argmin() == len(short.validation_losses) - 4
    assert Many().loss(short.params, held_out, rng()) == best < 0.9 * full.validation_losses[-1]
    assert Many().loss(full.params, held_out, rng()) == full.validation_losses.min()
    last = optimization.run(Many(), Many().start(), train, rng(), iterations=2000, method=options["method"])
    assert Many().loss(last.params, held_out, rng()) > 1.1 * best


def test_validation_sees_the_same_draws_each_time_and_leaves_the_training_its_own():
    still = optimization.GradientDescent(1e-300)
    model, begin = Noisy(), Line(BEST[:3], BEST[3])
    found = optimization.run(model, begin, (X, Y), rng(), method=still, validation=(X, Y), every=1, iterations=5)
    assert len(set(found.validation_losses)) == 1
    assert len(set(found.losses)) == 5


def test_schedules():
    """Against their formulas, and at their corners."""
    cosine, stairs = optimization.cosine(0.2, 100, last=0.02), optimization.stairs(0.2, 30, 0.5)
    np.testing.assert_allclose([cosine(0), cosine(50), cosine(100), cosine(500)], [0.2, 0.11, 0.02, 0.02], rtol=1e-12)
    assert [stairs(i) for i in (0, 29, 30, 60)] == [0.2, 0.2, 0.1, 0.05]
    warm = optimization.warm_up(stairs, 3)
    np.testing.assert_allclose([warm(i) for i in range(5)], [0.05, 0.1, 0.15, 0.2, 0.2], rtol=1e-12)
    assert optimization.warm_up(0.3, 0)(0) == 0.3
    found = learn(method=optimization.GradientDescent(stairs), iterations=31, keep_path=True)
    slope = InOneCall().gradient(found.path[29], (X, Y), rng())
    np.testing.assert_allclose(found.path[30].slopes, found.path[29].slopes - 0.1 * slope.slopes, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_compiled_step_of_adam_is_the_written_one(dtype):
    pytest.importorskip("numba")
    source = rng(3)
    here, there = (optimization.Adam(0.01, backend=backend) for backend in ("numba", "numpy"))
    params = source.normal(size=1003).astype(dtype)
    one, other = params.copy(), params.copy()
    memory, reference = here.begin(one), there.begin(other)
    for i in range(50):
        gradient = (10.0 ** source.uniform(-8, 4, 1003) * source.choice([-1, 1], 1003)).astype(dtype)
        memory = here.move(one, i, gradient, memory)
        reference = there.move(other, i, gradient, reference)
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(memory, reference)
    assert one.dtype == dtype
    wrong = params.copy()
    kernels.load("descent").adam(wrong, gradient, *there.begin(wrong), *map(dtype, (0.9, 0.1, 1, 0.999, 0.001, 1, -0.01, 1e-8)))
    assert not np.allclose(wrong, params - 0.01 * np.sign(gradient), atol=1e-3)        # without the correction


class NoVerbs:
    loss = staticmethod(lambda params, y, rng: 0.0)


class WrongShape(InOneCall):
    def value_and_gradient(self, params, y, rng):
        return 0.0, Line(np.zeros(2), 0.0)


class NotFinite(InOneCall):
    def value_and_gradient(self, params, y, rng):
        return 0.0, Line(np.zeros(3), np.inf)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: learn(WrongShape()), ValueError, r"gradient\.slopes: expected shape \(3,\), got \(2,\)"),
    (lambda: learn(NotFinite()), optimization.DivergedError, r"gradient\.offset: expected finite numbers.*iteration 0"),
    (lambda: learn(method=optimization.GradientDescent(9.0), iterations=9999), optimization.DivergedError, "loss|gradient"),
    (lambda: optimization.run(NoVerbs, Line(np.zeros(2), 0.0), Y, rng()), TypeError, "model: expected loss and gradient.*got no gradient"),
    (lambda: optimization.run(InOneCall(), InOneCall().start(), Y, 0), ValueError, "rng: expected"),
    (lambda: optimization.run(InOneCall(), (), Y, rng()), ValueError, "params: expected at least one"),
    (lambda: learn(batch_size=61), ValueError, "size: expected at most n, 60, got 61"),
    (lambda: optimization.run(InOneCall(), InOneCall().start(), (X, Y[:5]), rng(), batch_size=2), ValueError, r"y: expected.*equally many"),
    (lambda: learn(patience=2), ValueError, "patience: expected validation data"),
    (lambda: learn(iterations=-1), ValueError, "iterations: expected a whole number"),
    (lambda: learn(tolerance=-1), ValueError, "tolerance: expected a number"),
    (lambda: learn(every=0, validation=(X, Y)), ValueError, "every: expected a whole number"),
    (lambda: learn(method=optimization.Adam(decay=1.0)), ValueError, "decay: expected a number below 1"),
    (lambda: learn(method=optimization.Momentum(rate=0)), ValueError, "rate: expected a number above 0"),
    (lambda: learn(method=optimization.Adam(backend="c")), ValueError, "backend: expected one of"),
    (lambda: optimization.cosine(0.1, 0), ValueError, "iterations: expected"),
    (lambda: optimization.stairs(0.1, 5, 0.0), ValueError, "factor: expected a number above 0"),
    (lambda: optimization.warm_up(-1.0, 5), ValueError, "rate: expected a number above 0"),
    (lambda: optimization.resume(InOneCall(), learn(iterations=1).state, (X, Y), method=METHODS[0]), ValueError,
     "method: expected the one that this run was begun with, Adam, got GradientDescent"),
    (lambda: optimization.resume(InOneCall(), learn(iterations=1, batch_size=5).state, (X[:9], Y[:9]), batch_size=5), ValueError,
     "y: expected the 60 observations of the run before, got 9"),
    (lambda: learn(validation=(X * np.nan, Y)), optimization.DivergedError, "validation: expected a finite loss, got nan at iteration 0"),
    (lambda: optimization.save("state.pkl", learn(iterations=1).state), ValueError, "path: expected a name that ends in .npz"),
])
def test_what_is_wrong_is_said(call, error, message):
    with np.errstate(over="ignore"), pytest.raises(error, match=message):
        call()


def test_a_file_of_another_model_is_refused(tmp_path):
    path = tmp_path / "state.npz"
    optimization.save(path, learn(iterations=1).state)
    with pytest.raises(ValueError, match=r"params: expected the fields in the file, params\.slopes, params\.offset, got params"):
        optimization.load(path, np.zeros(4))
    with pytest.raises(ValueError, match="params: expected 4 numbers of type float64, as in the file, got 5"):
        optimization.load(path, Line(np.zeros(4), 0.0))
    with pytest.raises(ValueError, match="got 4 of type float32"):
        optimization.load(path, InOneCall().start(np.float32))


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path, monkeypatch):
    place, first = tmp_path / "state.npz", learn(iterations=3).state
    optimization.save(place, first)

    def full(file, **contents):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        optimization.save(place, learn(iterations=8).state)
    kept = optimization.load(place, InOneCall().start())
    assert kept.iteration == 3
    np.testing.assert_array_equal(vector(kept.params), vector(first.params))
    assert [one.name for one in tmp_path.iterdir()] == ["state.npz"]


def test_a_stream_that_breaks_or_is_left_changes_nothing_but_its_own():
    """What an exception in the reader's own loop has seen stays; another stream goes its way undisturbed."""
    start, seen = InOneCall().start(), []

    def look():
        for event in optimization.iterate(InOneCall(), start, (X, Y), rng()):
            seen.append(event)
            if event.iteration == 4:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        look()
    left = optimization.iterate(InOneCall(), start, (X, Y), rng())
    next(left)
    del left
    again = list(islice(optimization.iterate(InOneCall(), start, (X, Y), rng()), 5))
    np.testing.assert_array_equal([event.loss for event in seen], [event.loss for event in again])
    np.testing.assert_array_equal(vector(seen[-1].params), vector(again[-1].params))
    np.testing.assert_array_equal(start.slopes, 0.0)


def test_a_run_goes_on_from_a_pickle():
    half = learn(Noisy(), batch_size=7, iterations=6)
    rest = optimization.resume(Noisy(), pickle.loads(pickle.dumps(half.state)), (X, Y), batch_size=7, iterations=12)
    whole = learn(Noisy(), batch_size=7, iterations=12)
    np.testing.assert_array_equal(np.concatenate([half.losses, rest.losses]), whole.losses)
