"""The joint detector over columns that begin with healthy rows: fitted, settled, judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet.batch import FloatColumn
from rules.detectors.fitting import fit_joint
from rules.detectors.threshold import Threshold
from rules.detectors.watch import Judged, begin, watch

CHUNK = 500


def judge_columns(names: Sequence[str], values: FloatColumn, train_rows: int) -> Iterator[Judged]:
    """Answers for the rows of `values` (n, p) after the first `train_rows`, in chunks, with
    default settings.

    The detector is fitted to the training rows alone and settles on the last of them. Raises
    `TooLittleToLearn`.
    """
    threshold = Threshold()
    detector = fit_joint(names, values[:train_rows])
    settling = values[train_rows - threshold.grace : train_rows]
    carried, _ = watch(detector, threshold, begin(detector, threshold), settling)
    for at in range(train_rows, len(values), CHUNK):
        carried, judged = watch(detector, threshold, carried, values[at : at + CHUNK])
        yield judged
