"""The fleet on a map: an outline and the machines on it, by health, without outside tiles."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import altair as alt

from dashboard.charts import Spec, finish
from dashboard.client import Json
from dashboard.formats import Language
from dashboard.markup import HEALTH_COLORS
from dashboard.outline import RINGS
from dashboard.texts import say

MAP_HEIGHT = 430
_SHAPES = {
    "stop": "square",
    "alarm": "triangle-up",
    "warning": "diamond",
    "ok": "circle",
    "unknown": "circle",
}


def fleet_map(machines: Iterable[Json], labels: dict[str, str], language: Language) -> Spec:
    """Vega-Lite of the outline with the machines on it: MachineSummary rows, health in words."""
    keys = list(_SHAPES)
    spec = dict(_drawing(language))
    spec["datasets"] = {
        "outline": _outline(),
        "machines": [_map_row(m, labels, keys, language) for m in machines],
    }
    return spec


@cache
def _drawing(language: Language) -> Spec:
    """The map without its data, which is dear to put together."""
    keys = list(_SHAPES)
    outline = alt.Chart(alt.NamedData("outline")).mark_geoshape(
        fill="#e9eef3", stroke="#c3ccd6", strokeWidth=1
    )
    points = (
        alt.Chart(alt.NamedData("machines"))
        .mark_point(filled=True, size=85, opacity=0.9, stroke="#ffffff", strokeWidth=0.8)
        .encode(
            longitude="lon:Q",
            latitude="lat:Q",
            color=alt.Color(
                "health:N",
                scale=alt.Scale(domain=keys, range=[HEALTH_COLORS[key] for key in keys]),
                legend=None,
            ),
            shape=alt.Shape(
                "health:N",
                scale=alt.Scale(domain=keys, range=[_SHAPES[key] for key in keys]),
                legend=None,
            ),
            order="rank:Q",
            tooltip=[
                alt.Tooltip(f"{name}:N", title=say(title, language))
                for name, title in (
                    ("serial", "serial"),
                    ("product", "product_col"),
                    ("customer", "customer"),
                    ("site", "site"),
                    ("word", "health"),
                )
            ],
        )
    )
    return finish(
        alt.layer(outline, points)
        .project(type="mercator")
        .properties(width="container", height=MAP_HEIGHT)
    )


def _outline() -> list[Json]:
    # Rings run clockwise here, which a globe takes for everything but the country.
    return [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[list(p) for p in ring]]},
            "properties": {},
        }
        for ring in RINGS
    ]


def _map_row(machine: Json, labels: dict[str, str], keys: list[str], language: Language) -> Json:
    return {
        "serial": machine["serial"],
        "product": machine["product"]["name"][language],
        "customer": machine["customer"]["name"][language],
        "site": machine["site"][language],
        "health": machine["health"],
        "word": labels[machine["health"]],
        # The worst is drawn last, on top of the others.
        "rank": -keys.index(machine["health"]),
        "lat": machine["position"]["lat"],
        "lon": machine["position"]["lon"],
    }
