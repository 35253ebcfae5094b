"""A figure on which `move` may draw: what it drew is wiped before it draws again."""


class Slate:
    """A figure as `draw()` left it.

    Its limits are fixed from now on: what `move` adds does not stretch the axes.
    """

    def __init__(self, fig):
        self.fig, self.axes = fig, all_axes(fig)
        for ax in self.axes:
            ax.get_xlim(), ax.get_ylim()  # settle what is still to be scaled
            ax.set_autoscale_on(False)
        self._holders = [(ax, [ax._children]) for ax in self.axes]
        self._holders += [(fig, [fig.artists, fig.images, fig.legends, fig.lines, fig.patches, fig.texts])]
        self._own = {id(child): child for _, lists in self._holders for part in lists for child in part}
        self._legends = [ax.legend_ for ax in self.axes]
        self._containers = [len(ax.containers) for ax in self.axes]
        self._cycles = [(cycle, dict(vars(cycle))) for ax in self.axes for cycle in _cycles(ax)]

    def wipe(self):
        """Remove what was drawn since."""
        for _, artist in self.added():
            artist.remove()
        for ax, legend, count in zip(self.axes, self._legends, self._containers):
            ax.legend_ = legend
            del ax.containers[count:]
        for cycle, state in self._cycles:
            vars(cycle).update(state)  # the next line begins with the first color again

    def added(self):
        """Return (number of the axes, artist) for all that was drawn since, in order."""
        found = [
            (number, child)
            for number, (_, lists) in enumerate(self._holders)
            for part in lists
            for child in part
            if id(child) not in self._own
        ]
        legends = [
            (number, ax.legend_)
            for number, (ax, legend) in enumerate(zip(self.axes, self._legends))
            if ax.legend_ is not None and ax.legend_ is not legend
        ]
        return found + legends

    def put_last(self, number, artist):
        """Add an artist behind all others of its axes, and let it be drawn among those of its height."""
        self._holders[number][1][-1].append(artist)

    def take_back(self, number, artist):
        """Remove an artist that was added by `put_last`."""
        self._holders[number][1][-1].remove(artist)

    def is_whole(self):
        """Return whether all that `draw()` left is still there, and no axes came."""
        there = {id(child) for _, lists in self._holders for part in lists for child in part}
        return set(self._own) <= there and all_axes(self.fig) == self.axes


def all_axes(fig):
    """Return the axes of a figure, insets included."""
    found = []
    for ax in fig.axes:
        found += [ax, *ax.child_axes]
    return list(dict.fromkeys(found))


def _cycles(ax):
    """Return what counts the colors of lines and areas (an object of its own since Matplotlib 3.11)."""
    processors = (ax._get_lines, ax._get_patches_for_fill)
    return [getattr(processor, "_prop_cycle", processor) for processor in processors]
