"""What exactly is wrong with a message, as a sentence in both languages.

`ingest.reasons` has one word for counting each kind; here are the sentences that name the place
and the bytes. What libraries say of a message ({error}) exists in English only.
"""

from __future__ import annotations

from collections.abc import Sequence

from fleet.text import Text

SENTENCES: dict[str, Text] = {
    "no_topic": Text(
        en="{topic} is none of ironpulse/v1/(serial)/telemetry, /faults, /status, and no topic "
        "of Sparkplug B",
        zh="{topic} 不是 ironpulse/v1/(序列号)/telemetry、/faults、/status，"
        "也不是Sparkplug B的主题",
    ),
    "no_machine": Text(
        en="no machine with serial {serial} is registered",
        zh="序列号为 {serial} 的设备未登记",
    ),
    "retired": Text(
        en="{serial} was retired at {time}: `ironpulse machines reinstate` takes it back",
        zh="设备 {serial} 已于 {time} 退役；如需恢复，请执行 `ironpulse machines reinstate`",
    ),
    "refused": Text(en="it cannot be taken: {error}", zh="无法写入：{error}"),
    # bytes
    "too_long": Text(
        en="the message has {size} bytes, more than {most}",
        zh="消息有{size}字节，超过{most}字节的上限",
    ),
    "too_long_unpacked": Text(
        en="unpacked, the message has more than {most} bytes",
        zh="解压后消息超过{most}字节的上限",
    ),
    "damaged": Text(
        en="the {packing} data cannot be unpacked: {error}",
        zh="{packing}数据无法解压：{error}",
    ),
    "cut_short": Text(
        en="the {packing} data end too early, after {size} bytes",
        zh="{packing}数据不完整，{size}字节后中断",
    ),
    "more_follows": Text(
        en="{size} bytes follow the end of the {packing} data",
        zh="{packing}数据结束后还有{size}字节",
    ),
    # values
    "unreadable": Text(en="{error} ({size} bytes)", zh="无法解析：{error}（共{size}字节）"),
    "too_deep": Text(en="brackets are nested too deeply", zh="括号嵌套过深"),
    "bytes_follow": Text(
        en="more bytes follow its end ({size} bytes)", zh="内容结束后还有多余字节（共{size}字节）"
    ),
    "double_key": Text(
        en="{key} stands twice in one object", zh="同一对象中键 {key} 出现了两次"
    ),
    "wrong_shape": Text(en="{error}", zh="格式不符：{error}"),
    "too_many": Text(
        en="the message holds more than {most} samples", zh="消息中的样本超过{most}个"
    ),
    "too_many_lists": Text(
        en="the samples of the message have more than {most} different lists of signals",
        zh="消息中样本的信号组合超过{most}种",
    ),
    "too_many_metrics": Text(
        en="the message holds {size} metrics, more than {most}",
        zh="消息有{size}个指标，超过{most}个",
    ),
    # telemetry
    "empty_list": Text(en="the list holds no sample", zh="列表中没有样本"),
    "no_sample": Text(en="{value} is no sample", zh="{value} 不是样本"),
    "no_columns": Text(en="values is {value}, not columns", zh="values 为 {value}，不是按列的数据"),
    "no_times": Text(en="ts holds no time", zh="ts 中没有时间"),
    "no_list": Text(
        en="{key} has no list of values, ts {times} times",
        zh="{key} 不是数值列表，而 ts 有{times}个时间",
    ),
    "unequal": Text(
        en="{key} has {size} values, ts {times} times",
        zh="{key} 有{size}个数值，而 ts 有{times}个时间",
    ),
    "sample_none": Text(
        en="sample {number}: {value} is no sample", zh="第{number}个样本：{value} 不是样本"
    ),
    "sample_no_time": Text(
        en="sample {number}: ts is missing", zh="第{number}个样本：缺少 ts"
    ),
    "sample_time": Text(
        en="sample {number}: ts is {value}, not milliseconds since 1970",
        zh="第{number}个样本：ts 为 {value}，不是1970年以来的毫秒数",
    ),
    "sample_no_values": Text(
        en="sample {number}: values is missing", zh="第{number}个样本：缺少 values"
    ),
    "sample_values": Text(
        en="sample {number}: values is {value}, not an object",
        zh="第{number}个样本：values 为 {value}，不是对象",
    ),
    "sample_key": Text(
        en="sample {number}: a key of values is no text",
        zh="第{number}个样本：values 中有的键不是文本",
    ),
    "sample_size": Text(
        en="sample {number} has {size} values, over {most}",
        zh="第{number}个样本有{size}个数值，超过{most}个",
    ),
    # times, by the word of their reason
    "clock_not_set": Text(
        en="measured at {time}, before 2015: the device's clock is not set",
        zh="测量时间 {time} 早于2015年：终端时钟未设置",
    ),
    "too_old": Text(
        en="measured at {time}, more than 366 days before it was received",
        zh="测量时间 {time} 比接收时间早366天以上",
    ),
    "clock_ahead": Text(
        en="measured at {time}, more than five minutes after it was received",
        zh="测量时间 {time} 比接收时间晚5分钟以上",
    ),
    # faults
    "which_code": Text(
        en="active code {number} needs spn and fmi, or code, and not both",
        zh="第{number}个故障码须给出 spn 和 fmi，或给出 code，二者不可兼有",
    ),
    # Sparkplug B
    "no_payload": Text(
        en="no Sparkplug B payload: {error} ({size} bytes)",
        zh="不是Sparkplug B数据：{error}（共{size}字节）",
    ),
    "metric_name": Text(
        en="the name of a metric is no UTF-8 text", zh="有指标的名称不是UTF-8文本"
    ),
    "unborn_alias": Text(
        en="metric {number} has alias {alias}, and no birth certificate said what that is",
        zh="第{number}个指标的别名为 {alias}，没有出生消息说明其含义",
    ),
    "nameless": Text(
        en="metric {number} has neither name nor alias",
        zh="第{number}个指标既无名称也无别名",
    ),
    # putting back
    "unknown_message": Text(
        en="there is no rejected message {id}", zh="没有被拒绝的消息 {id}"
    ),
    "put_back_before": Text(en="it was put back at {time}", zh="已于 {time} 重放"),
    "kept_in_part": Text(
        en="only {kept} of its {size} bytes were kept", zh="全部{size}字节只保留了{kept}字节"
    ),
}  # fmt: skip


def say(key: str, /, **values: object) -> Text:
    """The sentence `key` with `values` in their places; half characters in them become marks."""
    sentence = SENTENCES[key]
    whole = {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in values.items()
    }
    return Text(en=sentence.en.format(**whole), zh=sentence.zh.format(**whole))


def joined(sentences: Sequence[Text]) -> Text:
    """Several as one."""
    return Text(
        en="; ".join(sentence.en for sentence in sentences),
        zh="；".join(sentence.zh for sentence in sentences),
    )
