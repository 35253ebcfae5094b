"""What is done to photographs before a model sees them: patches, spectra, whitening; and pictures of a known law.

Images are arrays of numbers, shape (H, W); frequencies are in cycles per pixel, at most 1/2 along
an axis.

References
----------
Section 2.1.3, "The statistics of natural scenes".
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks


class Spectrum(NamedTuple):
    """Power against frequency, averaged over directions.

    frequencies : ndarray, shape (F,), the mean frequency of each ring, rising
    power : ndarray, shape (F,), the mean power within it
    """

    frequencies: np.ndarray
    power: np.ndarray


class Bars(NamedTuple):
    """A law of pictures that is known, so that what is learned from draws of it can be judged.

    pictures : ndarray, shape (M, size * size), every picture that there is, of zeros and ones
    probabilities : ndarray, shape (M,)
    """

    pictures: np.ndarray
    probabilities: np.ndarray


def bars(size, share):
    """Pictures of full rows or of full columns, never of both.

    A fair coin says whether it is rows or columns; then each of them is black with probability ``share``.

    Parameters
    ----------
    size : int
        The side of a picture, in pixels.
    share : float, between 0 and 1

    Returns
    -------
    Bars

    References
    ----------
    G. Hinton, P. Dayan, B. Frey and R. Neal (1995), with a fair coin.
    """
    size, share = checks.count("size", size), checks.number("share", share, above=0)
    if share >= 1:
        raise ValueError(f"share: expected a number between 0 and 1, got {share!r}")
    lines = np.array(list(product((0.0, 1.0), repeat=size)))
    weights = np.where(lines == 1, share, 1 - share).prod(1) / 2
    rows = np.repeat(lines, size, axis=1)
    columns = np.tile(lines, size)
    pictures, places = np.unique(np.concatenate([rows, columns]), axis=0, return_inverse=True)
    return Bars(pictures, np.bincount(np.ravel(places), np.tile(weights, 2)))


class Views(NamedTuple):
    """Pairs of patches that lie near each other.

    which : ndarray of int, shape (n,), the image of each pair
    first, second : ndarray, shape (n, size * size)
    """

    which: np.ndarray
    first: np.ndarray
    second: np.ndarray


def patches(images, size, n, rng):
    """Cut ``n`` square patches from random places, each flattened into a row.

    Parameters
    ----------
    images : array_like, shape (H, W) or (M, H, W)
    size : int
        The side of a patch, in pixels.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, size * size)
        ``row.reshape(size, size)`` is the patch.
    """
    images = checks.array("images", images)
    images = images[None] if images.ndim == 2 else images
    size, n = checks.count("size", size), checks.count("n", n, minimum=0)
    rng = checks.generator("rng", rng)
    if images.ndim != 3 or size > min(images.shape[1:]) or len(images) == 0:
        raise ValueError(f"images: expected shape (H, W) or (M, H, W), no side below {size}, got {images.shape}")
    which = rng.integers(len(images), size=n)
    corner = np.column_stack([rng.integers(side - size + 1, size=n) for side in images.shape[1:]])
    return _cut(images, size, which, corner)


def views(images, size, shift, n, rng):
    """Cut pairs of patches that lie near each other: the second is moved by at most ``shift`` pixels each way.

    Parameters
    ----------
    images : array_like, shape (M, H, W)
    size, n, rng : as for `patches`
    shift : int
        Moves are uniform over all whole numbers of pixels from -shift to shift.

    Returns
    -------
    Views
    """
    images, size = checks.array("images", images, ("M", "H", "W")), checks.count("size", size)
    shift, n, rng = checks.count("shift", shift, minimum=0), checks.count("n", n), checks.generator("rng", rng)
    if size + 2 * shift > min(images.shape[1:]):
        least = size + 2 * shift
        raise ValueError(f"images: expected sides of at least {least}, a patch and its moves, got {images.shape}")
    which = rng.integers(len(images), size=n)
    corner = np.column_stack([rng.integers(shift, side - size - shift + 1, size=n) for side in images.shape[1:]])
    moved = corner + rng.integers(-shift, shift + 1, size=(n, 2))
    return Views(which, _cut(images, size, which, corner), _cut(images, size, which, moved))


def standardize(rows):
    """Take the mean from each patch, and divide it by its contrast; faint patches are divided by somewhat more.

    Parameters
    ----------
    rows : array_like, shape (N, D), a patch in each row

    Returns
    -------
    ndarray, shape (N, D)
        Divided by the deviation plus a tenth of its average over all patches.
    """
    rows = checks.array("rows", rows, ("N", "D"))
    rows = rows - rows.mean(1, keepdims=True)
    contrast = rows.std(1, keepdims=True)
    if not contrast.mean() > 0:
        raise ValueError("rows: expected at least one patch that is not of one gray")
    return rows / (contrast + 0.1 * contrast.mean())


def _cut(images, size, which, corner):
    """Patches at given upper left corners, flattened."""
    offsets = np.arange(size)
    rows, columns = corner[:, :1] + offsets, corner[:, 1:] + offsets
    return images[which[:, None, None], rows[:, :, None], columns[:, None, :]].reshape(len(which), size * size)


def power_spectrum(image):
    """The power at each frequency, averaged over the directions.

    In photographs it falls off with very nearly the square of the frequency.

    Parameters
    ----------
    image : array_like, shape (H, W)

    Returns
    -------
    Spectrum
        Without frequency zero, the mean; up to 1/2. White noise of variance 1 has power 1.

    Notes
    -----
    The image is faded out towards its edges (a Hann window). Otherwise the jump from the right edge
    round to the left would be taken for structure, with a spectrum of its own.
    """
    image = _checked(image)
    window = np.outer(*(np.hanning(side + 2)[1:-1] for side in image.shape))
    faded = (image - image.mean()) * window
    power = np.abs(np.fft.fft2(faded)) ** 2 / (window**2).sum()
    frequency = _frequencies(image.shape)
    ring = np.rint(frequency * min(image.shape)).astype(int).ravel()
    kept = np.arange(1, min(image.shape) // 2 + 1)
    counts = np.bincount(ring)
    mean = lambda values: (np.bincount(ring, values.ravel()) / np.maximum(counts, 1))[kept]
    return Spectrum(mean(frequency), mean(power))


def whiten(image, cutoff=0.4):
    """Flatten the power spectrum of a photograph, up to a cutoff.

    Each frequency f is multiplied by f exp(-(f / cutoff)^4): it undoes a fall of the amplitude as
    1 / f, and fades out the highest frequencies, where there is mostly noise.

    Parameters
    ----------
    image : array_like, shape (H, W)
    cutoff : float
        In cycles per pixel.

    Returns
    -------
    ndarray, shape (H, W)
        With mean zero and variance one.

    References
    ----------
    B. A. Olshausen and D. J. Field, "Sparse coding with an overcomplete basis set", Vision Research
    37 (1997) 3311-3325.
    """
    image, cutoff = _checked(image), checks.number("cutoff", cutoff, above=0)
    frequency = _frequencies(image.shape)
    filtered = np.fft.fft2(image - image.mean()) * frequency * np.exp(-((frequency / cutoff) ** 4))
    found = np.fft.ifft2(filtered).real
    return found / found.std()


def noise_like(image, rng):
    """Gaussian noise with the mean and the power spectrum of an image, and nothing else of it.

    Parameters
    ----------
    image : array_like, shape (H, W)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (H, W)
    """
    image, rng = _checked(image), checks.generator("rng", rng)
    # White noise has random phases, and they are those of a real image.
    phases = np.exp(1j * np.angle(np.fft.fft2(rng.standard_normal(image.shape))))
    amplitude = np.abs(np.fft.fft2(image - image.mean()))
    return image.mean() + np.fft.ifft2(amplitude * phases).real


def _frequencies(shape):
    """The frequency of every entry of a two-dimensional Fourier transform, shape (H, W)."""
    return np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1]))


def _checked(image):
    image = checks.array("image", image, ("H", "W"))
    if min(image.shape) < 2 or np.ptp(image) == 0:
        raise ValueError(f"image: expected two pixels a side at least, not all equal, got shape {image.shape}")
    return image
