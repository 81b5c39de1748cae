"""What is said of a machine when it is registered, and of the places and people around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fleet.text import Text


@dataclass(frozen=True, slots=True)
class Region:
    """A sales and service region."""

    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class Customer:
    """Who owns or rents machines."""

    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class Station:
    """A service station; its technicians drive from there. `lat`, `lon` in degrees."""

    id: str
    region: str
    name: Text
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class NewMachine:
    """A machine to be registered. `site` names where it works, `lat` and `lon` (degrees) where
    that is, `tier` the customer's service promise."""

    serial: str
    product: str
    model: str
    customer: str
    station: str
    tier: str
    site: Text
    lat: float
    lon: float
    commissioned_on: date


@dataclass(frozen=True, slots=True)
class Registration:
    """Everything that is registered together; what is known already is brought up to date."""

    regions: Sequence[Region] = ()
    customers: Sequence[Customer] = ()
    stations: Sequence[Station] = ()
    machines: Sequence[NewMachine] = ()
