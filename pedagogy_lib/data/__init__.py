"""Small real data sets. ``README.md`` beside this file gives the source and license of each."""

from importlib.resources import files
from typing import NamedTuple

import numpy as np


class Table(NamedTuple):
    """Numbers in named columns.

    values : ndarray, shape (N, D)
    columns : tuple of str, with units
    """

    values: np.ndarray
    columns: tuple


class LabeledTable(NamedTuple):
    """Numbers in named columns, each row with a class.

    values : ndarray, shape (N, D)
    columns : tuple of str, with units
    classes : ndarray of int, shape (N,), numbered from 0
    names : tuple of str, one for each class
    """

    values: np.ndarray
    columns: tuple
    classes: np.ndarray
    names: tuple


class Series(NamedTuple):
    """One number for each of some days.

    days : ndarray of datetime64[D], shape (N,)
    values : ndarray, shape (N,)
    name : str, with units
    """

    days: np.ndarray
    values: np.ndarray
    name: str


class Counts(NamedTuple):
    """How often each combination of some discrete variables occurred.

    counts : ndarray of int, one axis for each variable
    axes : dict from the name of a variable to a tuple of its values, in the order of the axes
    """

    counts: np.ndarray
    axes: dict


def admissions():
    """Load the 4526 applications to the six largest departments of Berkeley's graduate school, autumn 1973.

    Returns
    -------
    Counts
        Axes: department (A to F), applicant (man, woman), decision (rejected, admitted).
    """
    _, rows = _read("admissions.csv")
    axes = {"department": tuple("ABCDEF"), "applicant": ("man", "woman"), "decision": ("rejected", "admitted")}
    counts = np.zeros([len(values) for values in axes.values()], int)
    for *row, count in rows:
        counts[tuple(values.index(value) for values, value in zip(axes.values(), row))] = count
    return Counts(counts, axes)


def old_faithful():
    """Load 272 eruptions of the geyser Old Faithful: duration, and the wait until the next.

    Returns
    -------
    Table
        Columns: eruption (min), waiting (min).
    """
    _, rows = _read("old_faithful.csv")
    return Table(np.array(rows, float), ("eruption (min)", "waiting (min)"))


def penguins():
    """Load 342 penguins of three species, measured on the Palmer Archipelago, Antarctica.

    Returns
    -------
    LabeledTable
        Columns: bill length (mm), bill depth (mm), flipper length (mm), body mass (g).
    """
    _, rows = _read("penguins.csv")
    names, classes = np.unique([row[0] for row in rows], return_inverse=True)
    columns = ("bill length (mm)", "bill depth (mm)", "flipper length (mm)", "body mass (g)")
    return LabeledTable(np.array([row[1:] for row in rows], float), columns, classes, tuple(map(str, names)))


def nile():
    """Load the yearly flow of the Nile at Aswan, 1871 to 1970.

    Returns
    -------
    Table
        Columns: year, flow (10^8 m^3).
    """
    _, rows = _read("nile.csv")
    return Table(np.array(rows, float), ("year", "flow (10^8 m^3)"))


def earthquakes():
    """Load the number of earthquakes of magnitude 7 and more in the world, each year from 1900 to 2006.

    Returns
    -------
    Table
        Columns: year, earthquakes.
    """
    _, rows = _read("earthquakes.csv")
    return Table(np.array(rows, float), ("year", "earthquakes"))


def sunda_arc():
    """Load 1054 earthquakes of magnitude 6 and more along the Sunda arc and about Sulawesi, 1965 to 2016.

    Returns
    -------
    Table
        Columns: year, longitude (degrees east), latitude (degrees north), magnitude.
    """
    _, rows = _read("sunda_arc.csv")
    columns = ("year", "longitude (degrees east)", "latitude (degrees north)", "magnitude")
    return Table(np.array(rows, float), columns)


def hares_and_lynx():
    """Load the pelts of hare and lynx that the Hudson's Bay Company bought each year from 1900 to 1920.

    Returns
    -------
    Table
        Columns: year, hares (thousands), lynx (thousands).
    """
    _, rows = _read("hares_and_lynx.csv")
    return Table(np.array(rows, float), ("year", "hares (thousands)", "lynx (thousands)"))


def crude_oil():
    """Load the price of a barrel of crude oil on 1005 working days, July 2006 to June 2010.

    Returns
    -------
    Series
        Price (US dollars): West Texas Intermediate, at Cushing, Oklahoma.
    """
    _, rows = _read("crude_oil.csv")
    days, prices = zip(*rows)
    return Series(np.array(days, "datetime64[D]"), np.array(prices, float), "price (US dollars)")


def walk():
    """Load a walk of 41 minutes by a lake, recorded by a satellite receiver at 173 times.

    Returns
    -------
    Table
        Columns: time (s), east (m), north (m); all from 0, and not evenly spaced in time.
    """
    _, rows = _read("walk.csv")
    return Table(np.array(rows, float), ("time (s)", "east (m)", "north (m)"))


def alice():
    """Load the first four chapters of Lewis Carroll, *Alice's Adventures in Wonderland* (1865).

    Returns
    -------
    tuple of str
        One for each chapter, its paragraphs with a blank line between.
    """
    text = files(__package__).joinpath("alice.txt").read_text(encoding="utf-8")
    return tuple(chapter.strip() for chapter in text.split("\n\n\n"))


def gettysburg():
    """Load Abraham Lincoln's address at Gettysburg, 19 November 1863 (the Bliss copy).

    Returns
    -------
    str
        Three paragraphs, with a blank line between. The letters j, x and z do not occur.
    """
    return files(__package__).joinpath("gettysburg.txt").read_text(encoding="utf-8")


def photographs():
    """Load three gray photographs: a pagoda, trees before a lake, a dahlia.

    Returns
    -------
    ndarray of uint8, shape (3, 256, 256)
        0 is black. By the Flickr users danielbuechele (the first two) and vultilion (the third),
        licensed CC BY 2.0; cropped, and turned gray.
    """
    return _load("photographs.npz")["images"]


def digits():
    """Load 1797 handwritten digits, each of 8 x 8 pixels.

    Returns
    -------
    LabeledTable
        Row n is an image: ``values[n].reshape(8, 8)``, from 0, empty, to 16.
    """
    arrays = _load("digits.npz")
    columns = tuple(f"pixel {i}, {j}" for i in range(8) for j in range(8))
    names = tuple(map(str, range(10)))
    return LabeledTable(arrays["images"].astype(float), columns, arrays["classes"].astype(int), names)


def _load(name):
    """The arrays of a compressed NumPy file, by name."""
    with files(__package__).joinpath(name).open("rb") as file, np.load(file) as arrays:
        return dict(arrays)


def _read(name):
    """The header and the rows of a comma-separated file, as text."""
    lines = files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines()
    header, *rows = (line.split(",") for line in lines)
    return header, rows
