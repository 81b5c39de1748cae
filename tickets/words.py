"""The vocabulary of tickets, and errors that people read in their language."""

from __future__ import annotations

from fleet.errors import IronpulseError
from fleet.text import Text

STATUSES: dict[str, Text] = {
    "new": Text(en="new", zh="新建"),
    "assigned": Text(en="assigned", zh="已派工"),
    "accepted": Text(en="accepted", zh="已接单"),
    "travelling": Text(en="on the way", zh="前往中"),
    "working": Text(en="working", zh="作业中"),
    "done": Text(en="done", zh="已完成"),
    "cancelled": Text(en="cancelled", zh="已取消"),
}

#: What the technician found, for an item or for the whole visit.
FINDING_CODES: dict[str, Text] = {
    "confirmed": Text(en="fault confirmed and repaired", zh="故障属实，已修复"),
    "wear_confirmed": Text(en="wear confirmed, part replaced", zh="磨损属实，已更换"),
    "wear_not_reached": Text(en="part still good, left in place", zh="尚未磨损到限，未更换"),
    "other_fault": Text(en="another fault found and repaired", zh="发现并修复其它故障"),
    "sensor_fault": Text(
        en="sensor, cable or control unit at fault", zh="传感器、线束或控制器故障"
    ),
    "connection_restored": Text(en="connection restored", zh="通讯已恢复"),
    "operating_error": Text(en="operated or set wrongly", zh="操作或设置不当"),
    "no_fault_found": Text(en="no fault found", zh="未发现故障"),
    "service_done": Text(en="service done", zh="保养已完成"),
    "service_not_done": Text(en="service not done, to be repeated", zh="保养未完成，需另行安排"),
    "out_of_service": Text(
        en="machine taken out of service, repair to follow", zh="设备已停用，待修"
    ),
}


class TicketError(IronpulseError):
    """A step that the ticket's life cycle does not allow; `code` names the kind, `text` says it
    in both languages."""

    def __init__(self, code: str, text: Text) -> None:
        super().__init__(text.en)
        self.code = code
        self.text = text


def error(code: str, en: str, zh: str) -> TicketError:
    """A TicketError of that kind."""
    return TicketError(code, Text(en=en, zh=zh))
