"""Gaussian process regression with a prior on its noise, by scikit-learn."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (
    ConstantKernel,
    Kernel,
    Matern,
    NormalizedKernelMixin,
    StationaryKernelMixin,
    WhiteKernel,
)

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

FITTED_ON: Final = 200
"""Most observations that the noise is fitted on; the rest of them only condition the process."""
ITERATIONS: Final = 25
NOISE: Final = 0.2
"""Variance of repeated trainings of one network, as a share of the variance among networks, before any is known."""
BOUNDS: Final = (1e-3, 1.0)
NEAR: Final = 0.6
"""Length scale of the kernel of whole networks, in median distances of the observations."""


class Additive(StationaryKernelMixin, NormalizedKernelMixin, Kernel):  # type: ignore[misc]
    """The mean of one exponential kernel for each group of features: what a choice brings is learnt by itself."""

    def __init__(self, groups: Sequence[slice]) -> None:
        self.groups = groups

    def __call__(self, X: Matrix, Y: Matrix | None = None, eval_gradient: bool = False) -> Any:
        """Covariances of two sets of observations, [n, m]; nothing of it is fitted, so that the gradient is empty."""
        others = X if Y is None else Y
        covariance = np.mean([np.exp(-_distances(X[:, own], others[:, own])) for own in self.groups], axis=0)
        return (covariance, np.empty((*covariance.shape, 0))) if eval_gradient else covariance


class Regression:
    """A process of which one half adds up over choices, and the other, Matern-5/2, knows networks as a whole.

    The noise alone is fitted, under a log-normal prior: from ten to thirty networks fitted length scales and variances
    foretold the others worse than these (benchmarks/README.md, "Search quality").
    """

    def __init__(self, features: Matrix, values: Vector, groups: Sequence[slice], rng: np.random.Generator) -> None:
        """Fit to observations, [n, features] and [n].

        Args:
            features: a row for each network.
            values: what was observed of it.
            groups: the columns of each choice.
            rng: picks those that the noise is fitted on.
        """
        rows = np.arange(len(values))
        if len(values) > FITTED_ON:
            rows = np.sort(rng.choice(rows, size=FITTED_ON, replace=False))
        half = ConstantKernel(0.5, "fixed")
        whole = Matern(NEAR * _typical_distance(features[rows]), "fixed", nu=2.5)
        kernel = half * whole + half * Additive(groups) + WhiteKernel(NOISE, BOUNDS)
        fitted = GaussianProcessRegressor(kernel, normalize_y=True, optimizer=_most_likely)
        with warnings.catch_warnings():
            # A noise at its bound is no fault: the bounds are part of the model.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.fit(features[rows], values[rows])
        self._kernel = fitted.kernel_
        self._process = fitted
        if len(rows) < len(values):
            self.condition(features, values)

    def condition(self, features: Matrix, values: Vector) -> None:
        """Replace the observations and keep the hyperparameters."""
        process = GaussianProcessRegressor(self._kernel, normalize_y=True, optimizer=None)
        self._process = process.fit(features, values)

    def mean(self, features: Matrix) -> Vector:
        """Expected values at points, [n]."""
        return np.asarray(self._process.predict(features), dtype=np.float64)

    def predict(self, features: Matrix) -> tuple[Vector, Vector]:
        """Expected values at points and their standard deviations, without the noise, [n] each."""
        mean, deviation = self._process.predict(features, return_std=True)
        noise = self._process.kernel_.k2.noise_level * float(self._process._y_train_std) ** 2
        return np.asarray(mean), np.sqrt(np.maximum(np.asarray(deviation) ** 2 - noise, 1e-12))


def _typical_distance(features: Matrix) -> float:
    apart = _distances(features, features)[np.triu_indices(len(features), k=1)]
    typical = float(np.median(apart[apart > 1e-4])) if (apart > 1e-4).any() else 1.0
    return max(typical, 1e-3)


def _distances(one: Matrix, other: Matrix) -> Matrix:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2.0 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)), dtype=np.float64)


def _most_likely(objective: Callable[..., Any], start: Vector, bounds: Matrix) -> tuple[Any, float]:
    """The noise that is most likely under the prior, as scikit-learn asks for it: by its logarithm."""

    def penalised(theta: Vector) -> tuple[float, Vector]:
        value, gradient = objective(theta, eval_gradient=True)
        off = theta - np.log(NOISE)
        return float(value) + 0.5 * float(off @ off), np.asarray(gradient + off, dtype=np.float64)

    options = {"maxiter": ITERATIONS}
    found = minimize(penalised, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
    return found.x, float(found.fun)
