"""Why a message was rejected or a value not used: one word each, for counting and for people."""

from __future__ import annotations

from fleet.text import Text

REJECTED: dict[str, Text] = {
    "wrong_topic": Text(en="no such topic", zh="主题不存在"),
    "unknown_machine": Text(
        en="machine is not registered; the message waits until it is",
        zh="设备未登记，消息保留至登记后自动入库",
    ),
    "retired_machine": Text(en="machine is retired", zh="设备已退役"),
    "too_large": Text(en="message is too large", zh="消息过大"),
    "bad_gzip": Text(en="damaged gzip data", zh="gzip数据损坏"),
    "bad_zstd": Text(en="damaged zstd data", zh="zstd数据损坏"),
    "not_json": Text(en="not JSON", zh="不是有效的JSON"),
    "not_cbor": Text(en="not CBOR", zh="不是有效的CBOR"),
    "not_sparkplug": Text(en="not a Sparkplug payload", zh="不是有效的Sparkplug数据"),
    "no_birth": Text(en="no birth certificate says what it means", zh="缺少出生消息，无法解释"),
    "duplicate_key": Text(en="a key stands twice", zh="键名重复"),
    "not_telemetry": Text(en="not telemetry", zh="不是遥测数据"),
    "not_faults": Text(en="not a list of trouble codes", zh="不是故障码列表"),
    "not_status": Text(en="not a status", zh="不是状态消息"),
    "clock_not_set": Text(en="the device's clock is not set", zh="终端时钟未设置"),
    "too_old": Text(en="older than a year", zh="数据超过一年"),
    "clock_ahead": Text(en="the device's clock is ahead", zh="终端时钟超前"),
    "refused": Text(en="the store refused it", zh="存储拒绝写入"),
}

BAD_VALUE: dict[str, Text] = {
    "unknown_signal": Text(en="signal is not in the product plan", zh="信号不在产品方案中"),
    "wrong_type": Text(en="not a number of the signal's kind", zh="数值类型不符"),
    "error": Text(en="sensor error (J1939)", zh="传感器错误（J1939）"),
    "not_available": Text(en="not available (J1939)", zh="数据不可用（J1939）"),
    "bad_quality": Text(en="marked bad by the device", zh="终端标记为不可信"),
    "out_of_range": Text(en="outside the sensor's range", zh="超出传感器量程"),
}


class Unusable(Exception):
    """A message that cannot be stored: `reason` is a word of REJECTED, `detail` a sentence."""

    def __init__(self, reason: str, detail: Text) -> None:
        super().__init__(detail.en)
        self.reason = reason
        self.detail = detail
