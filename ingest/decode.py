"""From messages to columns, reports and rejections. A pure function: no message makes it fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fleet import clock
from fleet.batch import FaultReport, IntColumn, SampleBatch, StatusReport
from fleet.plan import ProductPlan
from fleet.text import Text
from ingest import quality, reports, samples, tolerant
from ingest.blocks import Columns, Gathering, assemble
from ingest.clocks import Lags, lags_of
from ingest.formats import JSON, Format, opened
from ingest.message import Message, Route
from ingest.plain import PlainReader
from ingest.quality import Limits, Mark
from ingest.reasons import Unusable
from ingest.sentences import joined, say
from ingest.sparkplug import certificates
from store.rejected import Rejection

_MOST_NAMED = 200  # characters of a topic, which may have 65,535, that are repeated


@dataclass(frozen=True, slots=True)
class Product:
    """What decoding needs of a plan: the limits of its signals in column order, which of them may
    be true or false, what it calls metrics of Sparkplug, and a reader of the usual messages."""

    plan: ProductPlan
    limits: Mapping[str, Limits]
    flags: frozenset[str]
    metrics: certificates.Names
    plain: PlainReader

    @classmethod
    def of(cls, plan: ProductPlan) -> Product:
        """The same, from the plan."""
        flags = frozenset(signal.key for signal in plan.signals if signal.kind == "flag")
        limits = quality.limits_of(plan)
        metrics = {name: signal.key for signal in plan.signals for name in signal.metrics}
        return cls(plan, limits, flags, metrics, PlainReader(tuple(limits)))


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of one product, bad values already missing; `marks` says which and why, by row."""

    batch: SampleBatch
    marks: list[Mark]


@dataclass(slots=True)
class Decoded:
    """What a number of messages hold. `heard`: machine id -> (messages, latest receipt), `lags`
    how late what machines measured came.

    Every sample of every message is in exactly one of the lists.
    """

    samples: list[Samples] = field(default_factory=list)
    faults: dict[str, list[FaultReport]] = field(default_factory=dict)
    statuses: dict[str, list[StatusReport]] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    heard: dict[int, tuple[int, int]] = field(default_factory=dict)
    lags: Lags = field(default_factory=dict)


def decode(
    messages: Sequence[Message],
    routes: Mapping[str, Route],
    products: Mapping[str, Product],
) -> Decoded:
    """Read messages. `routes` has the topic of each, `products` the product of each machine."""
    return _Reader(messages, routes, products).read()


def reject(message: Message, route: Route, reason: str, detail: Text) -> Rejection:
    """A whole message that cannot be stored."""
    return Rejection(
        message.received_at,
        route.machine_id,
        message.topic,
        message.content_type,
        message.payload,
        1,
        reason,
        detail,
    )


class _Reader:
    """Reads messages one by one, gathering samples, and makes columns of them at the end."""

    def __init__(
        self,
        messages: Sequence[Message],
        routes: Mapping[str, Route],
        products: Mapping[str, Product],
    ) -> None:
        self.messages = messages
        self.routes = routes
        self.products = products
        self.gatherings: dict[str, Gathering] = {}
        self.result = Decoded()

    def read(self) -> Decoded:
        for number, message in enumerate(self.messages):
            route = self.routes[message.topic]
            try:
                self._read(number, message, route)
            except Unusable as error:
                self._reject(message, route, error.reason, error.detail)
        machine_of = self._of_messages([self.routes[m.topic].machine_id for m in self.messages])
        received_of = self._of_messages([message.received_at for message in self.messages])
        self.result.heard = _heard(machine_of, received_of)
        self._make_columns(machine_of, received_of)
        return self.result

    def _read(self, number: int, message: Message, route: Route) -> None:
        if route.kind is None:
            raise Unusable("wrong_topic", say("no_topic", topic=message.topic[:_MOST_NAMED]))
        if route.machine_id is None or route.product is None:
            if certificates.is_of_gateway(message):
                return
            serial = route.serial[:_MOST_NAMED]
            raise Unusable("unknown_machine", say("no_machine", serial=serial))
        if route.retired_at is not None and message.received_at >= route.retired_at:
            serial, time = route.serial[:_MOST_NAMED], _words(route.retired_at)
            raise Unusable("retired_machine", say("retired", serial=serial, time=time))
        if route.kind in ("birth", "data", "death"):
            self._read_sparkplug(number, message, route.machine_id, route.product)
            return
        form, data = opened(message)
        if route.kind == "telemetry":
            self._read_telemetry(number, route.product, form, data)
        elif route.kind == "faults":
            faults = reports.read_faults(form, data, route.machine_id, message.received_at)
            _believe_time(faults)
            self.result.faults.setdefault(route.product, []).append(faults)
        else:
            status = reports.read_status(form, data, route.machine_id, message)
            self._keep_status(route.product, status)

    def _keep_status(self, product: str, status: StatusReport) -> None:
        _believe_time(status)
        self.result.statuses.setdefault(product, []).append(status)

    def _read_sparkplug(self, number: int, message: Message, machine_id: int, product: str) -> None:
        known = self.products[product]
        found = certificates.read(message, known.flags, known.metrics)
        if found.state is not None:
            status = StatusReport(machine_id, found.at, message.received_at, found.state)
            self._keep_status(product, status)
        for place, moment in enumerate(found.moments):
            block = self._gathering(product).block(tuple(moment.values))
            block.add(number, place, moment.ts, moment.values.values())
            for signal, reason in moment.flaws.items():
                block.flaw(signal, reason)

    def _read_telemetry(self, number: int, product: str, form: Format, data: bytes) -> None:
        gathering = self._gathering(product)
        known = self.products[product]
        if form is JSON and known.plain.take(data, number, gathering):
            return
        flawed, total = samples.gather(gathering, number, form, data, known.flags)
        if flawed:
            detail = joined([sample.detail for sample in flawed[:3]])
            places = [sample.place for sample in flawed]
            self._reject_some(number, places, total, "not_telemetry", detail)

    def _gathering(self, product: str) -> Gathering:
        found = self.gatherings.get(product)
        if found is None:
            found = self.gatherings[product] = Gathering()
        return found

    def _make_columns(self, machine_of: IntColumn, received_of: IntColumn) -> None:
        # In a fixed order, so that two workers never wait for each other in a circle.
        for name, gathering in sorted(self.gatherings.items()):
            limits = self.products[name].limits
            columns = assemble(name, gathering, limits, machine_of, received_of)
            came = columns.batch
            self.result.lags |= lags_of(came.machine_id, came.measured_at, came.received_at)
            batch, marks = self._believe_times(columns)
            if len(batch):
                batch, unusable = quality.judged(batch, dict(limits))
                self.result.samples.append(Samples(batch, marks + unusable))

    def _of_messages(self, values: Sequence[int | None]) -> IntColumn:
        return np.array([-1 if value is None else value for value in values], np.int64)

    def _believe_times(self, columns: Columns) -> tuple[SampleBatch, list[Mark]]:
        """The rows whose time can be believed, with their marks; the others are rejected."""
        batch = columns.batch
        keep = np.ones(len(batch), np.bool_)
        for reason, rows in quality.judge_times(batch.measured_at, batch.received_at):
            if rows.any():
                keep &= ~rows
                self._reject_rows(columns, np.flatnonzero(rows), reason)
        if keep.all():
            return batch, columns.marks
        new_row = np.cumsum(keep) - 1
        marks = [replace(each, rows=new_row[each.rows[keep[each.rows]]]) for each in columns.marks]
        return batch.take(keep), [each for each in marks if len(each.rows)]

    def _reject_rows(self, columns: Columns, rows: quality.Rows, reason: str) -> None:
        messages = columns.messages[rows]
        for number in np.unique(messages).tolist():
            mine = rows[messages == number]
            first = _words(int(columns.batch.measured_at[mine[0]]))
            total = int(np.count_nonzero(columns.messages == number))
            places = columns.places[mine].tolist()
            self._reject_some(number, places, total, reason, say(reason, time=first))

    def _reject_some(
        self, number: int, places: Sequence[int], total: int, reason: str, detail: Text
    ) -> None:
        """Reject the samples at `places` of a message, its own bytes where that is all of it."""
        message = self.messages[number]
        route = self.routes[message.topic]
        rejection = reject(message, route, reason, detail)
        if len(places) < total:
            payload = self._picked(message, route, sorted(places))
            rejection = replace(rejection, payload=payload, content_type=None)
        self.result.rejections.append(replace(rejection, samples=len(places)))

    def _picked(self, message: Message, route: Route, places: Sequence[int]) -> bytes:
        """The samples at `places` of a message, as a message."""
        if route.kind == "telemetry":
            form, data = opened(message)
            return form.write(tolerant.pick(form.value(data), places))
        assert route.product is not None
        return certificates.pick(message, places, self.products[route.product].metrics)

    def _reject(self, message: Message, route: Route, reason: str, detail: Text) -> None:
        self.result.rejections.append(reject(message, route, reason, detail))


def _heard(machine_of: IntColumn, received_of: IntColumn) -> dict[int, tuple[int, int]]:
    """Messages and latest receipt of each machine; those of unknown ones (-1) are left out."""
    machines, place, counts = np.unique(machine_of, return_inverse=True, return_counts=True)
    latest = np.zeros(len(machines), np.int64)
    np.maximum.at(latest, place, received_of)
    found = zip(machines.tolist(), counts.tolist(), latest.tolist(), strict=True)
    return {machine: (count, last) for machine, count, last in found if machine >= 0}


def _believe_time(report: FaultReport | StatusReport) -> None:
    measured_at, received_at = np.array([report.measured_at]), np.array([report.received_at])
    for reason, rows in quality.judge_times(measured_at, received_at):
        if rows.any():
            raise Unusable(reason, say(reason, time=_words(report.measured_at)))


def _words(epoch_ms: int) -> str:
    """A time for people; one that no calendar has stays a number."""
    try:
        return clock.to_datetime(epoch_ms).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return f"{epoch_ms} ms"
