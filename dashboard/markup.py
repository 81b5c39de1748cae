"""Pieces of HTML that the pages are put together from. Pure: texts in, HTML out, all escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from urllib.parse import urlencode

from dashboard.formats import MISSING

#: Health, worst first, with the sign that stands beside its colour (shapes as on the map).
HEALTH_SIGNS: dict[str, str] = {
    "stop": "■",
    "alarm": "▲",
    "warning": "◆",
    "ok": "●",
    "unknown": "○",
}
HEALTH_COLORS: dict[str, str] = {
    "stop": "#a3123a",
    "alarm": "#d9480f",
    "warning": "#c98a00",
    "ok": "#2b8a3e",
    "unknown": "#868e96",
}
#: Severity of an alarm, and grade of a value, as the health they stand for.
SEVERITY_HEALTH = {1: "unknown", 2: "warning", 3: "alarm", 4: "stop"}
GRADE_HEALTH = {"normal": "ok", "warn": "warning", "alarm": "alarm", "unknown": "unknown"}


class Html(str):
    """Text that is HTML already and is not escaped again."""


def text(value: object) -> Html:
    """A value as HTML: escaped unless it is HTML already."""
    return value if isinstance(value, Html) else Html(escape(str(value)))


def tag(name: str, *content: object, **attributes: object) -> Html:
    """An element; `class_` gives the class, None leaves an attribute out."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{shown}>{''.join(text(part) for part in content)}</{name}>")


def join(parts: Iterable[object]) -> Html:
    """Pieces one after the other."""
    return Html("".join(text(part) for part in parts))


def health(key: str, label: str) -> Html:
    """A health with its sign, colour and word."""
    sign = tag("i", HEALTH_SIGNS[key])
    return tag("span", sign, label, class_=f"ip-health ip-{key}")


def pill(label: str, kind: str = "") -> Html:
    """A small label."""
    return tag("span", label, class_=f"ip-pill {kind}".strip())


def link(page: str, label: object, language: str, **parameters: object) -> Html:
    """A link to a page of the dashboard; a plain click is followed without loading anew."""
    return tag("a", label, href=address(page, language, **parameters), data_go="")


def address(page: str, language: str, **parameters: object) -> str:
    """The address of a page of the dashboard, relative to any of its pages; "" is the first."""
    return f"./{page}?{urlencode({**parameters, 'lang': language})}"


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    hrefs: Sequence[str | None] = (),
    right: Iterable[int] = (),
    kind: str = "",
    named: int = 0,
) -> Html:
    """A table. `right` are columns of numbers. `hrefs` make whole rows lead somewhere: a click
    anywhere does, and for the keyboard the cell in column `named`, which names the row, is a link.
    """
    numbers = set(right)
    head = join(
        tag("th", name, class_="ip-right" if i in numbers else None) for i, name in enumerate(heads)
    )
    body = []
    for index, row in enumerate(rows):
        href = hrefs[index] if index < len(hrefs) else None
        cells = join(
            _cell(
                heads[i],
                tag("a", cell, href=href, data_go="", class_="ip-row") if i == named and href
                else cell,
                ("ip-right" if i in numbers else "", "ip-named" if i == named else ""),
            )
            for i, cell in enumerate(row)
        )  # fmt: skip
        body.append(tag("tr", cells, data_href=href))
    inner = tag("table", tag("thead", tag("tr", head)), tag("tbody", join(body)))
    return tag("div", inner, class_=f"ip-table {kind}".strip())


def _cell(head: str, content: object, kinds: Iterable[str]) -> Html:
    """One cell. Where there is little width a row becomes a card: each cell brings its heading
    along, and one that says nothing is left out."""
    told = text(content)
    nothing = "ip-nothing" if told in ("", MISSING) else ""
    kind = " ".join(filter(None, (*kinds, nothing)))
    return tag("td", told, class_=kind or None, data_label=head)


def card(title: str, *content: object, note: str = "") -> Html:
    """A titled card."""
    head = tag("h3", title, tag("small", note) if note else "")
    return tag("section", head, *content, class_="ip-card")


def heading(title: str, note: str = "") -> Html:
    """A heading over controls or a chart, which stand below it and not inside a card of HTML."""
    return tag("h3", title, tag("small", note) if note else "", class_="ip-heading")


def label(name: str, note: str = "") -> Html:
    """What a chart shows."""
    return tag("div", tag("b", name), f" {note}" if note else "", class_="ip-label")


def tile(label: str, value: object, *lines: object, kind: str = "") -> Html:
    """A headline figure with lines below it."""
    below = join(tag("div", line, class_="ip-line") for line in lines)
    head = tag("div", label, class_="ip-label")
    return tag(
        "div", head, tag("div", value, class_="ip-value"), below, class_=f"ip-tile {kind}".strip()
    )


def tiles(parts: Iterable[Html], kind: str = "") -> Html:
    """Tiles side by side, as many as fit."""
    return tag("div", *parts, class_=f"ip-tiles {kind}".strip())


def health_bar(counts: Mapping[str, int], labels: Mapping[str, str]) -> Html:
    """Machines by health as a bar with its figures below."""
    total = sum(counts.values()) or 1
    bars = join(
        tag("b", style=f"width:{counts[key] / total:.2%}", class_=f"ip-fill-{key}")
        for key in HEALTH_SIGNS
        if counts[key]
    )
    figures = join(
        health(key, f"{counts[key]} {labels[key]}") for key in HEALTH_SIGNS if counts[key]
    )
    return join([tag("div", bars, class_="ip-bar"), tag("div", figures, class_="ip-figures")])


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Names and values side by side."""
    return tag(
        "dl", join(tag("div", tag("dt", k), tag("dd", v)) for k, v in pairs), class_="ip-facts"
    )


def loss(sentence: str) -> Html:
    """Something that is gone, said where nobody overlooks it."""
    return tag("p", tag("b", "■ "), sentence, class_="ip-loss", role="alert")


def empty(sentence: str) -> Html:
    """What stands where there is nothing to show."""
    return tag("p", sentence, class_="ip-empty")
