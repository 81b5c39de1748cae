"""The tree of warehouses: who is served from where, and how many days it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.errors import IronpulseError
from fleet.stocking import SupplyTerms


class NetworkError(IronpulseError):
    """Warehouses without which no plan can be made."""


@dataclass(frozen=True, slots=True)
class Network:
    """Warehouses by number, the headquarters first, sources before those they serve."""

    ids: tuple[str, ...]
    sources: tuple[int | None, ...]
    transfer_days: tuple[float, ...]
    regions: tuple[str | None, ...]
    _of_station: Mapping[str, int]
    _of_region: Mapping[str, int]

    def serving(self, station: str | None, region: str) -> int:
        """The warehouse nearest to a machine: of its station, its region, or the headquarters."""
        if station is not None and station in self._of_station:
            return self._of_station[station]
        return self._of_region.get(region, 0)


def network(rows: Sequence[Mapping[str, Any]], terms: SupplyTerms) -> Network:
    """The tree of `store.stock.warehouses`.

    Raises NetworkError where there is no headquarters.
    """
    if not rows or rows[0]["level"] != "headquarters":
        raise NetworkError(
            "There is no warehouse of the headquarters, so there is nothing to plan for: describe "
            "your warehouses with `ironpulse warehouses import FILE`."
        )
    of_region = {r["region"]: n for n, r in enumerate(rows) if r["level"] == "region"}
    of_station = {r["station"]: n for n, r in enumerate(rows) if r["level"] == "station"}
    sources: list[int | None] = []
    days: list[float] = []
    for row in rows:
        level = row["level"]
        sources.append(
            None if level == "headquarters"
            else of_region.get(row["region"], 0) if level == "station" else 0
        )  # fmt: skip
        days.append(0.0 if level == "headquarters" else terms.transfer_days[level])
    return Network(
        tuple(row["id"] for row in rows),
        tuple(sources),
        tuple(days),
        tuple(row["region"] for row in rows),
        of_station,
        of_region,
    )
