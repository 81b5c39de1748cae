"""The fixed vocabulary: severities, categories, skills, price and lead-time classes, units.

Classes and their bounds are those of the domain reference, section 0. Numbers that differ
between models or customers live in the product plans, never here.
"""

from __future__ import annotations

from fleet.text import Text

SEVERITIES: dict[int, Text] = {
    1: Text(en="info", zh="提示"),
    2: Text(en="warning", zh="预警"),
    3: Text(en="alarm", zh="报警"),
    4: Text(en="stop", zh="停机"),
}

CATEGORIES: dict[str, Text] = {
    "electrical": Text(en="electrical", zh="电气"),
    "mechanical": Text(en="mechanical", zh="机械"),
    "hydraulic": Text(en="hydraulic", zh="液压"),
    "other": Text(en="other", zh="其它"),
}

SKILLS: dict[str, Text] = {
    "OP": Text(en="operator", zh="操作手"),
    "T1": Text(en="field technician", zh="服务工程师"),
    "T2": Text(en="specialist", zh="专项工程师"),
    "T3": Text(en="factory or authorised inspector", zh="厂家/特检"),
}

PRICE_CLASSES: dict[str, Text] = {
    "A": Text(en="below ¥500", zh="500元以下"),
    "B": Text(en="¥500-3,000", zh="500-3000元"),
    "C": Text(en="¥3,000-20,000", zh="3000-20000元"),
    "D": Text(en="¥20,000-100,000", zh="2万-10万元"),
    "E": Text(en="above ¥100,000", zh="10万元以上"),
}

LEAD_CLASSES: dict[str, Text] = {
    "L0": Text(en="local depot, up to 1 day", zh="本地库存，1天内"),
    "L1": Text(en="regional warehouse, 2-3 days", zh="区域库，2-3天"),
    "L2": Text(en="factory stock, 5-10 days", zh="工厂库存，5-10天"),
    "L3": Text(en="made to order or imported, 20-60 days", zh="订制或进口，20-60天"),
}

#: Longest delivery of each lead-time class, in days.
LEAD_DAYS: dict[str, int] = {"L0": 1, "L1": 3, "L2": 10, "L3": 60}

#: Unit symbol of a signal -> the words one of which a signal's key ends with (none: any key).
SIGNAL_UNITS: dict[str, tuple[str, ...]] = {
    "°C": ("c",),
    "°": ("deg", "lat", "lon"),
    "%": ("pct",),
    "bar": ("bar",),
    "kPa": ("kpa",),
    "rpm": ("rpm",),
    "1/min": ("spm",),
    "Hz": ("hz",),
    "h": ("h",),
    "s": ("s",),
    "ms": ("ms",),
    "m": ("m",),
    "mm": ("mm",),
    "km": ("km",),
    "m/s": ("ms",),
    "m/min": ("mpm",),
    "km/h": ("kmh",),
    "mm/s": ("mms",),
    "m³": ("m3",),
    "L": ("l",),
    "L/h": ("lph",),
    "t": ("t",),
    "t/h": ("tph",),
    "kN": ("kn",),
    "V": ("v",),
    "A": ("a",),
    "mA": ("ma",),
    "dBm": ("dbm",),
    "g": ("g",),
    "count": (),
}

#: Units in which the use and the life of a wear part are counted.
USAGE_UNITS: dict[str, Text] = {
    "m3": Text(en="m³", zh="方"),
    "h": Text(en="h", zh="小时"),
    "t": Text(en="t", zh="吨"),
    "lift": Text(en="lifts", zh="吊次"),
    "stroke": Text(en="strokes", zh="行程"),
    "stop": Text(en="stops", zh="制动次"),
    "cycle": Text(en="cycles", zh="循环"),
    "km": Text(en="km", zh="公里"),
    "month": Text(en="months", zh="个月"),
}
