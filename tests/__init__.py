"""Tests mirror the packages; `scenarios` run from machine to ticket.

Several test processes share the cores, so each fits its models on one thread: OpenMP's threads
spin while they wait for each other, which on taken cores is many times slower than not to share.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
