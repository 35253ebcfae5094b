"""Each peer's Kalman filter behind the same two calls. A peer that is not installed is skipped.

A peer is a function of a problem (initial, transition, emission, y, as `pedagogy_lib` takes them)
that returns two functions, ``filter`` and ``smooth``. Each runs the peer and returns its answer;
what can be prepared before the data flow, compilation too, is prepared before. Both return
(means, covariances, log-likelihood), the smoother's of the smoothed states, and None for what a
peer does not compute.
"""

import numpy as np

from pedagogy_lib.inference import kalman


def ours(method="joseph", steady_state=False):
    """This library's filter and smoother, through its public functions, checks included."""

    def prepare(initial, transition, emission, y):
        arguments = (initial, transition, emission, y)

        def filter():
            found = kalman.filter(*arguments, method=method, steady_state=steady_state)
            return found.means, found.covariances, found.log_likelihood

        def smooth():
            filtered = kalman.filter(*arguments, method=method)
            found = kalman.smooth(*arguments, method=method, filtered=filtered)
            return found.means, found.covariances, filtered.log_likelihood

        return filter, smooth

    return prepare


def statsmodels(tolerance=0.0):
    """Compiled from Cython. Tolerance 0 turns its steady-state shortcut off; None leaves it on."""

    def prepare(initial, transition, emission, y):
        from statsmodels.tsa.statespace.kalman_smoother import KalmanSmoother

        K, L = len(initial.mean), y.shape[1]
        model = KalmanSmoother(k_endog=L, k_states=K)
        if tolerance is not None:
            model.tolerance = tolerance
        model.bind(np.ascontiguousarray(y))
        model["design"], model["obs_cov"] = emission.matrix, emission.covariance
        model["obs_intercept"] = emission.offset[:, None]
        model["transition"], model["state_cov"] = transition.matrix, transition.covariance
        model["state_intercept"] = transition.offset[:, None]
        model["selection"] = np.eye(K)
        model.initialize_known(initial.mean, initial.covariance)

        def filter():
            found = model.filter()
            return found.filtered_state.T, np.moveaxis(found.filtered_state_cov, 2, 0), found.llf

        def smooth():
            found = model.smooth()
            return found.smoothed_state.T, np.moveaxis(found.smoothed_state_cov, 2, 0), found.llf

        return filter, smooth

    return prepare


def dynamax(double=True):
    """JAX, compiled before it is timed, and waited for. Its own default is single precision."""

    def prepare(initial, transition, emission, y):
        import jax
        import jax.numpy as jnp
        from dynamax.linear_gaussian_ssm import inference as d

        jax.config.update("jax_enable_x64", double)
        dtype = jnp.float64 if double else jnp.float32

        def array(x):
            return jnp.asarray(x, dtype)

        K, L = len(initial.mean), y.shape[1]
        parameters = d.ParamsLGSSM(
            initial=d.ParamsLGSSMInitial(mean=array(initial.mean), cov=array(initial.covariance)),
            dynamics=d.ParamsLGSSMDynamics(
                weights=array(transition.matrix), bias=array(transition.offset),
                input_weights=jnp.zeros((K, 0), dtype), cov=array(transition.covariance),
            ),
            emissions=d.ParamsLGSSMEmissions(
                weights=array(emission.matrix), bias=array(emission.offset),
                input_weights=jnp.zeros((L, 0), dtype), cov=array(emission.covariance),
            ),
        )
        data = array(y)
        run_filter, run_smoother = jax.jit(d.lgssm_filter), jax.jit(d.lgssm_smoother)

        def filter():
            found = jax.block_until_ready(run_filter(parameters, data))
            return found.filtered_means, found.filtered_covariances, found.marginal_loglik

        def smooth():
            found = jax.block_until_ready(run_smoother(parameters, data))
            return found.smoothed_means, found.smoothed_covariances, found.marginal_loglik

        return filter, smooth

    return prepare


def filterpy(initial, transition, emission, y):
    """One object, one Python call for each step."""
    from filterpy.kalman import KalmanFilter

    def filter():
        model = KalmanFilter(dim_x=len(initial.mean), dim_z=y.shape[1])
        model.x, model.P = initial.mean.copy(), initial.covariance.copy()
        model.F, model.Q = transition.matrix, transition.covariance
        model.H, model.R = emission.matrix, emission.covariance
        means, covariances, log_likelihood = [], [], 0.0
        for t, observation in enumerate(y):
            if t > 0:
                model.predict()
            model.update(observation - emission.offset)
            means.append(model.x)
            covariances.append(model.P)
            log_likelihood += model.log_likelihood
        return np.array(means), np.array(covariances), log_likelihood

    return filter, None


def pykalman(cholesky=False):
    """NumPy, one step at a time; or its own square-root form."""

    def prepare(initial, transition, emission, y):
        import pykalman as p
        from pykalman.sqrt import CholeskyKalmanFilter

        model = (CholeskyKalmanFilter if cholesky else p.KalmanFilter)(
            transition_matrices=transition.matrix, observation_matrices=emission.matrix,
            transition_covariance=transition.covariance,
            observation_covariance=emission.covariance,
            transition_offsets=transition.offset, observation_offsets=emission.offset,
            initial_state_mean=initial.mean, initial_state_covariance=initial.covariance,
        )

        def filter():
            means, covariances = model.filter(y)
            return means, covariances, model.loglikelihood(y)

        def smooth():
            means, covariances = model.smooth(y)
            return means, covariances, model.loglikelihood(y)

        return filter, smooth

    return prepare


def prepare(peer, problem):
    """The peer's two functions for a problem, or None where it is not installed."""
    try:
        return peer(*problem)
    except ImportError:
        return None
