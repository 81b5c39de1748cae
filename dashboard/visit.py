"""One person's visit to the dashboard: language, time zone, sign-in, and the texts in both."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from dashboard import formats
from dashboard.client import ApiError, Client, Json
from dashboard.formats import Language
from dashboard.texts import say

LANGUAGES: dict[Language, str] = {"en": "English", "zh": "中文"}
VOCABULARY_LASTS_S = 300
#: Parts of a page drawn within so long show the same answer.
LATELY_S = 2.0
#: Serial numbers, ticket numbers, numbers of rows, `product.part`.
_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def language() -> Language:
    """The reader's language: chosen, else of the address, else of the browser."""
    chosen = st.session_state.get("language") or st.query_params.get("lang")
    if chosen not in LANGUAGES:
        chosen = "zh" if (st.context.locale or "").lower().startswith("zh") else "en"
    st.session_state.language = chosen
    return cast(Language, chosen)


def t(key: str, **values: object) -> str:
    """A text of the dashboard in the reader's language."""
    return say(key, language(), **values)


def pick(text: Json | None) -> str:
    """A text of the API in the reader's language; a dash where there is none."""
    return formats.MISSING if text is None else str(text[language()])


def zone() -> ZoneInfo:
    """The browser's time zone, UTC where it does not say."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment(text: str | None, *, seconds: bool = False) -> str:
    """A time of the API in the reader's zone."""
    return formats.moment(text, zone(), seconds=seconds)


def epoch(milliseconds: float) -> str:
    """A time in milliseconds since 1970 in the reader's zone."""
    return moment(datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat())


def day(text: str | None) -> str:
    """The date of a time of the API in the reader's zone."""
    return moment(text)[:10]


def age(seconds: float | None) -> str:
    """How long ago, in the reader's language."""
    return formats.age(seconds, language())


def span(seconds: float | None) -> str:
    """How long, in the reader's language."""
    return formats.span(seconds, language())


def client() -> Client:
    """This visit's connection to the API."""
    if "client" not in st.session_state:
        url = os.environ.get("IRONPULSE_API_URL", "http://127.0.0.1:8000")
        st.session_state.client = Client(url)
    return cast(Client, st.session_state.client)


def lately(path: str, **params: object) -> Json:
    """What the API says, or said within the last moments: parts of a page that are drawn one after
    the other and show the same thing ask for it once."""
    heard: dict[tuple[object, ...], tuple[float, Json]] = st.session_state.setdefault("heard", {})
    asked, now = (client().token, path, *sorted(params.items())), time.monotonic()
    for key in [key for key, (at, _) in heard.items() if now - at > LATELY_S]:
        del heard[key]
    if asked not in heard:
        heard[asked] = (now, client().get(path, **params))
    return heard[asked][1]


def forget_answers() -> None:
    """Ask anew for everything: something was changed."""
    st.session_state.pop("heard", None)


def account() -> Json:
    """Who is signed in."""
    return cast(Json, st.session_state.account)


def has_role(*roles: str) -> bool:
    """Whether who is signed in has one of these roles."""
    return account()["role"] in roles


def word(group: str, key: object) -> str:
    """A value of one of the API's enumerations in words; the value itself when it is new."""
    if key is None:
        return formats.MISSING
    texts = words()[group]
    return pick(texts[str(key)]) if str(key) in texts else str(key)


def words() -> Json:
    """The API's fixed vocabulary."""
    return _words(client())


def product(key: str) -> Json:
    """The plan of a product."""
    return _product(client(), key)


@st.cache_data(ttl=VOCABULARY_LASTS_S, show_spinner=False)
def _words(_client: Client) -> Json:
    return _client.get("/words")


@st.cache_data(ttl=VOCABULARY_LASTS_S, show_spinner=False)
def _product(_client: Client, key: str) -> Json:
    return _client.get(f"/products/{key}")


@contextmanager
def answers() -> Iterator[None]:
    """Where the API refuses inside this block, its sentence is shown instead of the rest."""
    try:
        yield
    except ApiError as error:
        if error.status == 401:
            forget()
            st.rerun(scope="app")
        st.warning(sentence(error), icon=":material/error:")


def sentence(error: ApiError) -> str:
    """What the API said, in the reader's language, as Markdown: it repeats what it was asked, and
    what machines sent."""
    return formats.plain(error.zh if language() == "zh" else error.en)


def asked(name: str) -> str:
    """What the address names as `name`: a machine, a ticket, a line; empty where it names none.

    Addresses come in messages from anybody, and what they name becomes part of a path of the API.
    What is no key or number is passed over.
    """
    found = st.query_params.get(name, "")
    return found if _NAMED.fullmatch(found) else ""


def sign_in(name: str, password: str) -> None:
    """Open a session. Raises ApiError."""
    session = client().post("/session", {"name": name, "password": password})
    client().token = session["token"]
    st.session_state.account = session["account"]


def restore() -> bool:
    """Whether somebody is signed in: in this visit, or from before the page was loaded anew."""
    if "account" in st.session_state:
        return True
    token = st.context.cookies.get(_cookie())
    if not token or st.session_state.get("left"):
        return False
    client().token = token
    try:
        st.session_state.account = client().get("/session")
    except ApiError as error:
        client().token = None
        if error.status != 401:
            raise
        return False
    return True


def sign_out() -> None:
    """End the session here and at the API."""
    try:
        client().delete("/session")
    except ApiError as error:
        if error.status != 401:
            st.warning(sentence(error))
            return
    forget()


def forget() -> None:
    """Forget who is signed in."""
    client().token = None
    st.session_state.pop("account", None)
    st.session_state.left = True


def remember() -> None:
    """Keep the session in the browser, so that loading the page anew does not end it."""
    token = client().token
    secure = "; Secure" if (st.context.url or "").startswith("https") else ""
    value, lasts = (token, "") if token else ("", "; Max-Age=0")
    script = f"document.cookie='{_cookie()}={value}; Path=/; SameSite=Strict{lasts}{secure}'"
    with st.container(key="remember"):
        st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def _cookie() -> str:
    # Cookies know no ports: two demos on one host must not sign each other out.
    return f"ironpulse_{urlsplit(st.context.url or '').port or 0}"
