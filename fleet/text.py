"""Everything people read exists in English and in Chinese."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

Language = Literal["en", "zh"]

_CJK = re.compile(r"[\u3400-\u9fff]")


class Text(BaseModel):
    """One text in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str
    zh: str

    @field_validator("en")
    @classmethod
    def _english_is_there(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("the English text is empty")
        return value

    @field_validator("zh")
    @classmethod
    def _chinese_is_there(cls, value: str) -> str:
        if not has_chinese(value):
            raise ValueError(f"the Chinese text {value!r} holds no Chinese character")
        return value

    def to(self, language: Language) -> str:
        """The text in `language`."""
        return self.zh if language == "zh" else self.en


def has_chinese(text: str) -> bool:
    """Whether a text holds at least one Chinese character."""
    return _CJK.search(text) is not None
