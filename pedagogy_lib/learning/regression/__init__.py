"""Regression: the mean of the outputs x as a function of the inputs y.

`linear` fits a line by least squares, with and without a prior; `crossvalidation` predicts each sample
from the others, without fitting again. `generalized` lets the outputs be coins, counts or waiting times, with `links`,
`scoring` and `separation` behind it; `softmax` is for classes, `gamma_shape` for shapes that depend on the inputs.
`autoregression` predicts the next moment of a sequence from the last few.
"""
