"""Every verb of every model is given what it cannot use, one array of its arguments at a time.

The verbs are found by introspection: a new model, or a new verb of an old one, is attacked without being named. The
only outcome allowed is an error that names the argument.
"""

import inspect
import re
from importlib import import_module

import numpy as np
import pytest
from models.test_contracts import EM, NAMES, claims, data, gradient_data

#: Models that take NaN in ``y`` for a missing value, or the verbs of one that do.
MISSING = {"hmm", "lgssm", "normalizing_kalman", "universal", ("kalman_vae", "posterior"), ("kalman_vae", "recognize"), ("factor_analysis", "posterior"), ("factor_analysis", "log_marginal"),
           ("ppca", "posterior"), ("ppca", "log_marginal")}  # fmt: skip
#: What a verb may ask for besides parameters, data and statistics.
PLAIN = {"n": 4, "rng": None}
#: Verbs that ask for something else than the model's own parameters, or for more than they say; tested beside the model.
APART = {("dbn", "invert"), ("dbn", "unroll"), ("sparse_coding", "laplace_approximation"),
         ("recurrent_network", "continuation")}  # fmt: skip


def spoilt(array):
    """What an array must not be, each with a word for it."""
    middle = np.zeros(array.shape, bool)
    middle.flat[array.size // 2] = True
    yield "infinite", np.where(middle, np.inf, array)
    yield "no number", np.where(middle, np.nan, array)
    yield "complex", array + 0.5j
    yield "text", array.astype(str)
    yield "objects", array.astype(object)
    yield "true or false", array > 0
    yield "masked", np.ma.masked_array(array, middle)


def leaves(value, place=()):
    """Where real arrays lie in a value: in named tuples, and in tuples of them."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.size:
        yield place, value
    elif isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from leaves(part, (*place, i))


def replaced(value, place, new):
    """The value with another array in that place."""
    if not place:
        return new
    parts = list(value)
    parts[place[0]] = replaced(parts[place[0]], place[1:], new)
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def spelled(value, place):
    """The words by which an error may name the place: the argument's fields on the way."""
    for i in place:
        if hasattr(value, "_fields"):
            yield value._fields[i]
        value = value[i]


def verbs(model):
    """The public functions of a model that can be called with what is at hand."""
    for name, function in vars(model).items():
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        if not function.__module__.startswith("pedagogy_lib.models"):
            continue
        wanted = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
        if {p.name for p in wanted} <= {"params", "y", "statistics", *PLAIN} and "VAR_POSITIONAL" not in {p.kind.name for p in wanted}:
            yield name, function, [p.name for p in wanted]


def arguments(name):
    """Parameters, data and statistics of a model, as they should be."""
    model, rng = import_module(name), np.random.default_rng(0)
    y, besides = data(name, rng) if EM in claims(model) else gradient_data(name, rng)
    given = {"y": y, "params": model.start(y, *besides, rng)}
    if hasattr(model, "expected_statistics"):
        given["statistics"] = model.expected_statistics(given["params"], y)
    return given


def attacked(name, function, wanted, given):
    """What went wrong: one sentence for each attack that had another outcome than an error with the argument's name."""

    def call(changed):
        found = function(*(np.random.default_rng(1) if key == "rng" else {**given, **PLAIN, **changed}[key] for key in wanted))
        return next(found) if inspect.isgenerator(found) else found

    try:
        call({})                                                      # as it should be, it works
    except ValueError:
        given = {**given, "y": given["y"][0]}                         # of pairs, some verbs take the inputs only
        call({})
    short = name.rpartition(".")[2]
    may_miss = not MISSING.isdisjoint({short, (short, function.__name__)})
    for key in set(wanted) & set(given):
        for place, array in leaves(given[key]):
            for what, wrong in spoilt(array):
                if what == "no number" and key == "y" and may_miss:
                    continue
                where = ".".join([key, *spelled(given[key], place)])
                try:
                    with np.errstate(all="ignore"):
                        call({key: replaced(given[key], place, wrong)})
                except (ValueError, TypeError) as error:
                    if not re.match(rf"({where.replace('.', '|')})\b", str(error)):
                        yield f"{where} {what}: {type(error).__name__}: {str(error)[:90]}"
                except Exception as error:
                    yield f"{where} {what}: {type(error).__name__}: {str(error)[:90]}"
                else:
                    yield f"{where} {what}: accepted"


CASES = [(name, verb) for name in NAMES for verb, _, _ in verbs(import_module(name)) if (name.rpartition(".")[2], verb) not in APART]


@pytest.mark.parametrize(("name", "verb"), CASES, ids=[f"{n.rpartition('.')[2]}-{v}" for n, v in CASES])
@pytest.mark.filterwarnings("ignore")
def test_a_verb_refuses_what_it_cannot_use_and_names_it(name, verb):
    function, wanted = next((f, w) for v, f, w in verbs(import_module(name)) if v == verb)
    assert list(attacked(name, function, wanted, arguments(name))) == []


def test_verbs_are_found_by_themselves():
    assert len(CASES) > 120
    assert {verb for _, verb in CASES} >= {"log_marginal", "maximize", "loss", "value_and_gradient", "sample"}


def test_a_verb_without_a_check_would_be_seen():
    found = list(attacked("x", lambda y: y.sum(), ["y"], {"y": np.ones((3, 2))}))
    assert [line.partition(":")[0] for line in found][:3] == ["y infinite", "y no number", "y complex"]
