"""How much each forecaster is believed, learned from what it would have said earlier.

At several earlier months every forecaster answers for the months that followed; the mix of their
quantiles that lost least by pinball loss is used from then on, for each level on its own (quantile
averaging, Lichtendahl, Grushka-Cockayne and Winkler 2013). Nothing after a standpoint is seen from
it.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from fleet.batch import FloatColumn

#: Weights are multiples of one part in so many.
PARTS = 5
#: Mixes that lose this share more than the best are as good and are averaged with it.
AS_GOOD = 0.002


def pinball(actual: FloatColumn, quantiles: FloatColumn, levels: FloatColumn) -> FloatColumn:
    """Pinball loss (n, steps, k) of quantiles (n, steps, k); 0 where actual (n, steps) is NaN."""
    over = actual[..., None] - quantiles
    return np.nan_to_num(np.maximum(levels * over, (levels - 1.0) * over))


def whole(quantiles: FloatColumn) -> FloatColumn:
    """Quantiles of counts are counts: the nearest, the upper one of two."""
    return np.asarray(np.floor(quantiles + 0.5))


def blend(answers: FloatColumn, weights: FloatColumn) -> FloatColumn:
    """Whole quantiles (n, steps, k) of answers (f, n, steps, k) by weights (f, k); never cross."""
    mixed = whole(np.einsum("fnsk,fk->nsk", answers, weights))
    return np.asarray(np.maximum.accumulate(mixed, axis=2))


def learn_weights(answers: FloatColumn, actual: FloatColumn, levels: FloatColumn) -> FloatColumn:
    """Weights (f, k) for answers (f, n, steps, k) to what came, actual (n, steps)."""
    mixes = _mixes(len(answers))
    weights = np.empty((len(answers), len(levels)))
    for place, level in enumerate(levels):
        one = answers[..., place]
        lost = np.array(
            [
                pinball(actual, whole(np.tensordot(mix, one, 1))[..., None], level[None]).sum()
                for mix in mixes
            ]
        )
        good = lost <= lost.min() * (1.0 + AS_GOOD)
        weights[:, place] = mixes[good].mean(axis=0)
    return weights


def _mixes(count: int) -> FloatColumn:
    """Every way to give PARTS parts to `count` forecasters, as shares (ways, count)."""
    bars = np.array(list(combinations(range(PARTS + count - 1), count - 1)), dtype=np.float64)
    edges = np.column_stack([np.full(len(bars), -1.0), bars, np.full(len(bars), PARTS + count - 1)])
    return np.asarray((np.diff(edges, axis=1) - 1.0) / PARTS)
