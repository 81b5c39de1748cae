"""Stock simulation on a simulated fleet: the simple rule against the plan at equal fill rate."""

import os

# The work is spread over processes already; threads of the linear algebra would only fight. They
# are counted when the library is loaded, so this stands before all imports of the package.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
