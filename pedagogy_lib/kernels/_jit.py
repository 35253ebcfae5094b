"""How every kernel is compiled. Importing this module imports numba: only kernels do.

Kernels are compiled at their first call, and the machine code is kept between processes: beside
the source file, or, where that folder is read-only, in the user's cache (``NUMBA_CACHE_DIR`` moves
it). A kernel's helpers live in its own file, because only a change of that file drops the cache.

Division by zero gives inf or NaN, as in NumPy, and both keep their meaning.
"""

from functools import partial

import numba
import numpy as np

_compile = partial(numba.njit, cache=True, error_model="numpy", no_cfunc_wrapper=True)
_fused = {"contract", "nsz", "arcp"}    # a product and a sum may become one instruction
_sums = _fused | {"reassoc"}            # a sum may be reordered, into SIMD lanes

#: For kernels, which Python calls.
jit = _compile(fastmath=_fused)
jit_sums = _compile(fastmath=_sums)
jit_exact = _compile()                  # every operation rounds by itself, as in NumPy

#: For their helpers, which only kernels call: without a wrapper for Python they compile sooner.
helper = _compile(fastmath=_fused, no_cpython_wrapper=True)
helper_sums = _compile(fastmath=_sums, no_cpython_wrapper=True)

#: For functions of one number that NumPy's rules shall apply to arrays.
#: Numba's own decorator cannot be switched off by NUMBA_DISABLE_JIT, and fails.
ufunc = np.vectorize if numba.config.DISABLE_JIT else numba.vectorize(cache=True, fastmath=_fused)

#: For what takes a user's function as an argument: numba can find it again in this process only.
jit_once = numba.njit(error_model="numpy", fastmath=_fused)

#: For such a function. Called for every number, it must not be a call.
inlined = numba.njit(error_model="numpy", fastmath=_fused, forceinline=True)
