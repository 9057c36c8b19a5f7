"""Gaussian process regression with a prior on its length scale, by scikit-learn."""

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from nas.samplers.features import Matrix, Vector

FITTED_ON: Final = 200
"""Most observations that hyperparameters are fitted on; the rest of them only condition the process."""
ITERATIONS: Final = 25
NOISE: Final = (1e-3, 0.3)
"""Variance of repeated trainings of one network, as a share of the variance among networks."""


class Regression:
    """A process with a Matern-5/2 kernel: smooth, one length scale, noise of its own.

    The length scale has a log-normal prior around the median distance of the observations, which
    keeps a fit to eight points from running to its bounds.
    """

    def __init__(self, features: Matrix, values: Vector, rng: np.random.Generator) -> None:
        """Fit to observations, [n, features] and [n]; the generator picks those that hyperparameters see."""
        rows = np.arange(len(values))
        if len(values) > FITTED_ON:
            rows = np.sort(rng.choice(rows, size=FITTED_ON, replace=False))
        typical = _typical_distance(features[rows])
        kernel = ConstantKernel(1.0, (0.1, 10.0)) * Matern(
            length_scale=typical, length_scale_bounds=(0.2 * typical, 5.0 * typical), nu=2.5
        ) + WhiteKernel(0.01, NOISE)
        fitted = GaussianProcessRegressor(kernel, normalize_y=True, optimizer=_optimizer(float(np.log(typical))))
        with warnings.catch_warnings():
            # A hyperparameter at its bound is no fault: the bounds are part of the model.
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
    squares = (features**2).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2.0 * features @ features.T
    apart = distances[np.triu_indices(len(features), k=1)]
    typical = float(np.sqrt(np.median(apart[apart > 1e-9]))) if (apart > 1e-9).any() else 1.0
    return max(typical, 1e-3)


def _optimizer(log_typical: float) -> Callable[..., tuple[Any, float]]:
    def optimize(objective: Callable[..., Any], start: Vector, bounds: Matrix) -> tuple[Any, float]:
        def penalised(theta: Vector) -> tuple[float, Vector]:
            value, gradient = objective(theta, eval_gradient=True)
            off = theta[1] - log_typical
            # scikit-learn hands over a gradient that it may use again.
            slope = np.array(gradient, dtype=np.float64)
            slope[1] += off
            return float(value) + 0.5 * off**2, slope

        options = {"maxiter": ITERATIONS}
        found = minimize(penalised, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
        return found.x, float(found.fun)

    return optimize
