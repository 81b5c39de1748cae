"""Texts of the states and classes that the interface names, beside those of `fleet.words`."""

from __future__ import annotations

from fleet.text import Text

PRIORITIES: dict[int, Text] = {
    1: Text(en="urgent", zh="紧急"),
    2: Text(en="high", zh="高"),
    3: Text(en="normal", zh="一般"),
    4: Text(en="low", zh="低"),
}

HEALTH: dict[str, Text] = {
    "stop": Text(en="stopped", zh="停机"),
    "alarm": Text(en="alarm", zh="报警"),
    "warning": Text(en="warning", zh="预警"),
    "ok": Text(en="healthy", zh="正常"),
    "unknown": Text(en="unknown", zh="未知"),
}

CONNECTIONS: dict[str, Text] = {
    "never_seen": Text(en="never seen", zh="从未上线"),
    "online": Text(en="online", zh="在线"),
    "late": Text(en="late", zh="上报延迟"),
    "offline": Text(en="offline", zh="离线"),
    "parked": Text(en="parked", zh="停放"),
}

ALARM_STATES: dict[str, Text] = {
    "active": Text(en="active", zh="报警中"),
    "acknowledged": Text(en="acknowledged", zh="已确认"),
    "returned": Text(en="returned, not acknowledged", zh="已恢复，未确认"),
    "cleared": Text(en="cleared", zh="已解除"),
    "withdrawn": Text(en="withdrawn", zh="已撤回"),
}

ALARM_SUPPRESSIONS: dict[str, Text] = {
    "shelved": Text(en="shelved", zh="已搁置"),
    "maintenance": Text(en="maintenance mode", zh="维护模式"),
    "out_of_service": Text(en="out of service", zh="已停用"),
    "ticket": Text(en="attached to a ticket", zh="已并入工单"),
    "recurrence": Text(en="came again soon", zh="短时复发"),
}

ALARM_EVENTS: dict[str, Text] = {
    "raised": Text(en="raised", zh="触发"),
    "came_again": Text(en="came again", zh="再次出现"),
    "raised_anew": Text(en="raised anew: it still stands", zh="仍未消失，重新报警"),
    "returned": Text(en="returned to normal", zh="恢复正常"),
    "acknowledged": Text(en="acknowledged", zh="确认"),
    "cleared": Text(en="cleared", zh="解除"),
    "withdrawn": Text(en="withdrawn: later data showed otherwise", zh="撤回（后到数据表明不成立）"),
    "suppressed": Text(en="pages nobody from here on", zh="开始抑制"),
    "released": Text(en="no longer suppressed", zh="结束抑制"),
    "flapping": Text(en="flaps: held as one alarm", zh="频繁波动，合并为一条"),
    "steady": Text(en="flaps no longer", zh="波动结束"),
}

FINDING_KINDS: dict[str, Text] = {
    "alarm": Text(en="alarm", zh="报警"),
    "connection": Text(en="connection", zh="通信"),
    "wear": Text(en="wear part", zh="易损件"),
    "service": Text(en="scheduled service", zh="定期保养"),
    "inspection": Text(en="inspection", zh="巡检"),
}

PART_ALERT_STATES: dict[str, Text] = {
    "open": Text(en="open", zh="待处理"),
    "ordered": Text(en="ordered", zh="已订货"),
    "done": Text(en="fitted", zh="已更换"),
    "dismissed": Text(en="dismissed", zh="已驳回"),
    "withdrawn": Text(en="no longer needed", zh="不再需要"),
}

REMOVAL_REASONS: dict[str, Text] = {
    "worn": Text(en="worn out", zh="磨损到限"),
    "failed": Text(en="failed", zh="失效损坏"),
    "early": Text(en="replaced early", zh="提前更换"),
}

ROLES: dict[str, Text] = {
    "manager": Text(en="service manager", zh="服务经理"),
    "technician": Text(en="technician", zh="服务工程师"),
    "parts": Text(en="parts team", zh="配件专员"),
}
