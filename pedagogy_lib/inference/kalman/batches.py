"""Many sequences at once: which of them share their covariances, and their results put together.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

import numpy as np


def groups(y):
    """Sequences that miss the same observations: they share every covariance."""
    if len(y) == 1 or not np.isnan(y).any():
        return [np.arange(len(y))]
    _, kinds = np.unique(np.isnan(y).reshape(len(y), -1), axis=0, return_inverse=True)
    return [np.flatnonzero(kinds.ravel() == kind) for kind in range(kinds.max() + 1)]


def assemble(result, parts, single, own):
    """Put the groups' results together.

    Parameters
    ----------
    result : type
        The named tuple to return.
    parts : list of (group, fields)
    single : bool
        Whether to leave the axis of sequences out.
    own : tuple of int
        Which fields have a row for each sequence; the others are shared within a group.
    """
    if single:
        fields = parts[0][1]
        return result(*(field[0] if i in own else field for i, field in enumerate(fields)))
    B = sum(len(group) for group, _ in parts)
    return result(*(
        _together(field, i in own, [(group, fields[i]) for group, fields in parts], B)
        for i, field in enumerate(parts[0][1])
    ))


def _together(field, own, parts, B):
    """One field for all B sequences: of one group, without a copy."""
    if field is None or (own and len(parts) == 1):
        return field
    shape = (B, *(field.shape[1:] if own else field.shape))
    if len(parts) == 1:
        return np.broadcast_to(field, shape)
    whole = np.empty(shape)
    for group, values in parts:
        whole[group] = values
    return whole


def of_group(filtered, group, single):
    """What the filter found for some sequences: covariances once, means with a first axis."""
    own = ("predicted_means", "means", "log_likelihoods")

    def pick(name, field):
        if field is None:
            return None
        if name in own:
            return field[None] if single else field[group]
        return field if single else field[group[0]]

    return type(filtered)(*(pick(*item) for item in zip(filtered._fields, filtered)))
