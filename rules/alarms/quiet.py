"""Who is not to be paged, and until when: what people silenced, applied to alarms. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.text import Text
from store.suppressions import Hold

FOREVER = 2**62

WORDS = {
    "shelved": Text(en="The alarm was shelved", zh="该报警已被搁置"),
    "maintenance": Text(en="The machine was in maintenance mode", zh="设备处于维护模式"),
    "out_of_service": Text(en="The alarm was out of service", zh="该报警已停用"),
}


def silenced(
    holds: Sequence[Hold], component: str, rule: str, moments: Sequence[int]
) -> tuple[Hold, int] | None:
    """What silences an alarm of a machine at any of these moments, and until when it is quiet
    from there on, where one hold goes over into another; None where nothing does."""
    own = [hold for hold in holds if hold.covers(component, rule)]
    first: Hold | None = None
    until = 0
    for moment in moments:
        found = _at(own, moment)
        if found is not None:
            first = first or found
            until = max(until, _quiet_until(own, moment))
    return None if first is None else (first, until)


def _at(holds: Sequence[Hold], moment: int) -> Hold | None:
    found = [hold for hold in holds if hold.since <= moment < hold.end]
    return max(found, key=lambda hold: hold.end) if found else None


def _quiet_until(holds: Sequence[Hold], moment: int) -> int:
    while (hold := _at(holds, moment)) is not None and moment < FOREVER:
        moment = hold.end
    return moment


def in_words(kind: str | None) -> Text | None:
    """Why an alarm paged nobody, where no more is known than that it was silenced; None where it
    was not."""
    if kind not in WORDS:
        return None
    words = WORDS[kind]
    return Text(
        en=f"{words.en} and it was over before that ended.",
        zh=f"{words.zh}，且在其结束前情况已消失。",
    )


def why(hold: Hold) -> Text:
    """Why an alarm paged nobody, as a sentence."""
    words = WORDS[hold.kind]
    return Text(
        en=f"{words.en} ({hold.set_by}: {hold.reason}) and it was over before that ended.",
        zh=f"{words.zh}（{hold.set_by}：{hold.reason}），且在其结束前情况已消失。",
    )
