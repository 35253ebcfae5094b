"""Errors go to another process and come back whole."""

import pkgutil
from importlib import import_module

import pedagogy_lib


def own_errors():
    """Every class of error that the library defines."""
    found = set()
    for module in pkgutil.walk_packages(pedagogy_lib.__path__, "pedagogy_lib."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, BaseException) and value.__module__.startswith("pedagogy_lib"):
                found.add(value)
    return found


def forgetful(error):
    """Whether a class takes arguments of its own, and does not tell `pickle` how to give them again."""
    return "__init__" in vars(error) and "__reduce__" not in vars(error)


def test_every_error_with_arguments_of_its_own_says_how_to_make_it_again():
    errors = own_errors()
    assert len(errors) > 6
    assert [error.__name__ for error in errors if forgetful(error)] == []


def test_a_forgetful_error_is_noticed():
    class Loss(ValueError):
        def __init__(self, text, where):
            super().__init__(text)
            self.where = where

    assert forgetful(Loss)
