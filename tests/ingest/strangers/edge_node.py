"""An edge node made with pysparkplug, told by lines on standard input what to do.

Every line is a list of a word and its arguments; each is answered by a line when it is done. What
hosts command is written out as it comes.
"""

import itertools
import json
import sys
import threading

import pysparkplug as spark

KINDS = {"float": spark.DataType.FLOAT, "int8": spark.DataType.INT8, "bool": spark.DataType.BOOLEAN}
TYPES = spark.MessageType
OUT = threading.Lock()


def say(*words):
    with OUT:
        print(json.dumps(words), flush=True)


def metric(name, kind, value, alias=None, ts=None, historical=False):
    at = spark.get_current_timestamp() if ts is None else ts
    return spark.Metric(at, name, KINDS[kind], value=value, alias=alias, is_historical=historical)


class Stranger:
    """One edge node with at most one device."""

    def connect(self, port, user, password, group, node, metrics, device, device_metrics):
        self.client = spark.Client(client_id=node, username=user, password=password)
        self.node = spark.EdgeNode(
            group, node, [metric(*each) for each in metrics], self.client, self.commanded
        )
        if device:
            known = [metric(*each) for each in device_metrics]
            self.node.register(spark.Device(device, known))
        self.device = device
        self.node.connect("127.0.0.1", port=port)

    def commanded(self, _node, message):
        names = [each.name for each in message.payload.metrics if each.value is True]
        say("command", str(message.topic), names)
        if "Node Control/Rebirth" in names:
            self.bear()

    def bear(self):
        """Births once more in the same session, as a rebirth wants them."""
        self.node._EdgeNode__seq_cycler = itertools.cycle(range(256))
        metrics = (*self.node.metrics.values(), metric_of_session(self.node))
        self.send(TYPES.NBIRTH, None, spark.NBirth, metrics, True)
        if self.device:
            known = tuple(self.node.devices[self.device].metrics.values())
            self.send(TYPES.DBIRTH, self.device, spark.DBirth, known, True)

    def send(self, kind, device, payload, metrics, dtypes):
        topic = spark.Topic(
            message_type=kind,
            group_id=self.node.group_id,
            edge_node_id=self.node.edge_node_id,
            device_id=device,
        )
        made = payload(spark.get_current_timestamp(), seq=self.node._seq, metrics=tuple(metrics))
        message = spark.Message(topic=topic, payload=made, qos=spark.QoS.AT_MOST_ONCE, retain=False)
        self.client.publish(message, include_dtypes=dtypes)

    def update(self, *metrics):
        self.node.update([metric(*each) for each in metrics])

    def update_device(self, *metrics):
        self.node.update_device(self.device, [metric(*each) for each in metrics])

    def by_alias(self, *metrics):
        """Data as the specification wants them: without names and data types."""
        known = [metric(None, *each) for each in metrics]
        kind, payload = (TYPES.DDATA, spark.DData) if self.device else (TYPES.NDATA, spark.NData)
        self.send(kind, self.device or None, payload, known, False)

    def lose(self):
        """A message is made and never sent."""
        self.node._seq  # noqa: B018

    def deregister(self):
        self.node.deregister(self.device)

    def disconnect(self):
        self.node.disconnect()


def metric_of_session(node):
    held = node._bd_seq_metric
    return spark.Metric(held.timestamp, held.name, held.datatype, value=max(0, held.value - 1))


stranger = Stranger()
for line in sys.stdin:
    word, *arguments = json.loads(line)
    getattr(stranger, word)(*arguments)
    say("done", word)
