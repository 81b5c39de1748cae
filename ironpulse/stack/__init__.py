"""A private TimescaleDB and a private Mosquitto without a container engine."""

from ironpulse.stack.credentials import Credentials
from ironpulse.stack.errors import StackError
from ironpulse.stack.local import LocalStack, default_directory
from ironpulse.stack.state import StackAddresses

__all__ = ["Credentials", "LocalStack", "StackAddresses", "StackError", "default_directory"]
