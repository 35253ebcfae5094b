"""Exercises of section 5.2b, semi-supervised clustering."""

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib.exercises.tasks import task


def _some_labels(rng, n, k):
    labels = rng.integers(0, k, size=n)
    labels[rng.permutation(n)[: n // 2]] = -1
    return labels


def _posteriors(rng):
    return [(rng.dirichlet(np.ones(k), size=n), _some_labels(rng, n, k)) for n, k in ((6, 3), (9, 2))]


def _no_labels():
    return [(np.array([[0.3, 0.7]]), np.array([-1])), (np.array([[0.3, 0.7]]), np.array([0]))]


def _held(posterior, labels):
    certain = np.eye(posterior.shape[1])[labels]
    return np.where((labels >= 0)[:, None], certain, posterior)


@task("5.2b-a", cases=_posteriors, edges=_no_labels, stars=1)
def responsibilities(posterior, labels):
    """With ``posterior`` of shape (N, K) and ``labels`` of shape (N,), returning an array of shape (N, K)."""
    return _held(posterior, labels)


@responsibilities.mistake("minus one as a class", "A label of -1 is none: there the posterior stands.")
def _(posterior, labels):
    return np.eye(posterior.shape[1])[labels]


@responsibilities.mistake("the labels not held", "Where a label is known there is nothing left to guess.")
def _(posterior, labels):
    return posterior.copy()


@responsibilities.mistake("the likeliest class", "Where no label is, all classes stay possible.")
def _(posterior, labels):
    return _held(np.eye(posterior.shape[1])[posterior.argmax(1)], labels)


@responsibilities.mistake("a product", "Certainty takes the place of the posterior; it is not multiplied with it.")
def _(posterior, labels):
    return np.where((labels >= 0)[:, None], posterior * _held(posterior, labels), posterior)


def _joints(rng):
    found = []
    for n, k in ((7, 3), (11, 2)):
        labels = _some_labels(rng, n, k)
        labels[:2] = (0, -1)
        found.append((rng.normal(-3, 1.5, size=(n, k)), labels))
    return found


def _loss(log_joint, labels, over=logsumexp):
    known = labels >= 0
    seen = log_joint[known, labels[known]]
    return -(seen.sum() + over(log_joint[~known], axis=1).sum()) / len(labels)


@task("5.2b-b", cases=_joints, stars=2)
def semi_loss(log_joint, labels):
    """With ``log_joint`` of shape (N, K) and ``labels`` of shape (N,), returning a number."""
    return _loss(log_joint, labels)


@semi_loss.mistake("the largest", "The probability of a bill is the sum over the classes.")
def _(*case):
    return _loss(*case, over=np.max)


@semi_loss.mistake("two averages", "Two averages over different numbers may not be added.")
def _(log_joint, labels):
    known = labels >= 0
    return -(log_joint[known, labels[known]].mean() + logsumexp(log_joint[~known], axis=1).mean())


@semi_loss.mistake("both still there", "Look at the sum over the classes, and at what is averaged.")
def _(log_joint, labels):
    known = labels >= 0
    return -(log_joint[known, labels[known]].mean() + log_joint[~known].max(1).mean())


@semi_loss.mistake("labels unused", "Of a labeled datum the class was seen, too: its joint probability counts.")
def _(log_joint, labels):
    return -logsumexp(log_joint, axis=1).mean()


@semi_loss.mistake("a sum", "Divide by the number of all data.")
def _(log_joint, labels):
    return _loss(log_joint, labels) * len(labels)


def _clusterings(rng):
    found = []
    for n, k in ((12, 3), (20, 4)):
        clusters = rng.integers(0, k, size=n)
        clusters[:k] = np.arange(k)
        labels = np.where(rng.random(n) < 0.6, rng.integers(0, 3, size=n), -1)
        labels[clusters == 0] = -1                       # a cluster without a name
        labels[1] = 2
        found.append((clusters, labels))
    return found


def _ties():
    return [(np.array([0, 0, 1, 1, 0]), np.array([1, 0, -1, -1, -1])), (np.array([1, 1, 1, 0]), np.array([2, 0, 2, 1]))]


def _named(clusters, labels, unnamed=-1):
    names = np.full(len(labels), unnamed)
    for k in np.unique(clusters):
        inside = clusters == k
        voters = labels[inside & (labels >= 0)]
        if len(voters):
            names[inside] = np.bincount(voters).argmax()
    return names


@task("5.2b-c", cases=_clusterings, edges=_ties, stars=2)
def name_clusters(clusters, labels):
    """With both of shape (N,), returning an array of whole numbers, shape (N,)."""
    return _named(clusters, labels)


@name_clusters.mistake("labels kept", "A datum gets the name of its cluster, also where its own label is another.")
def _(*case):
    return np.where(case[1] >= 0, case[1], _named(*case))


@name_clusters.mistake("class 0 for none", "A cluster that nobody named has no name: -1.")
def _(*case):
    return _named(*case, unnamed=0)


@name_clusters.mistake("the first label", "Count the labels in the cluster, and take the most frequent.")
def _(clusters, labels):
    names = np.full(len(labels), -1)
    for k in np.unique(clusters):
        voters = labels[(clusters == k) & (labels >= 0)]
        if len(voters):
            names[clusters == k] = voters[0]
    return names


@name_clusters.mistake("minus one votes", "Those without a label have no vote.")
def _(clusters, labels):
    names = np.full(len(labels), -1)
    for k in np.unique(clusters):
        names[clusters == k] = np.bincount(labels[clusters == k] + 1).argmax() - 1
    return names
