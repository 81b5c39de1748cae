"""Where the broker is and how to speak to it, as one URL says it, and why it does not answer.

`mqtt://user:password@host:1883`, or over TLS `mqtts://user:password@host:8883?ca=FILE`, where
`ca` names the authority that signed the broker's certificate (without it, those of the system),
and `certificate` and `key` what the client shows of itself.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from fleet.errors import IronpulseError

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_FILES = ("ca", "certificate", "key")
_PATIENCE_S = 5.0
#: How long a server may take to refuse a client's certificate; TLS 1.3 does so after its handshake.
_REFUSAL_S = 1.0

# OpenSSL's X509_V_ERR_ numbers
_UNTRUSTED: Final = (18, 19, 20, 21)
_NOT_YET, _EXPIRED, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 62, 64
_PLAIN = "it does not speak TLS at this port: write mqtt://, or take its TLS port"
#: Words of OpenSSL's alerts -> what the broker has against the certificate we showed, if any.
_ALERTS: Mapping[str, str] = {
    "CERTIFICATE_REQUIRED": "it asks for a client certificate: add certificate=FILE&key=FILE to "
    "the URL, or take the port for passwords",
    "CERTIFICATE_EXPIRED": "our client certificate has expired",
    "CERTIFICATE_REVOKED": "our client certificate was revoked",
    "UNKNOWN_CA": "it does not trust the authority that signed our client certificate",
    "BAD_CERTIFICATE": "it does not accept our client certificate",
    "HANDSHAKE_FAILURE": "it refused the handshake; it may ask for a client certificate",
    "WRONG_VERSION_NUMBER": _PLAIN,
    "UNEXPECTED_EOF": _PLAIN,
}


class BrokerUrlError(IronpulseError):
    """A URL is no broker's address, or a file it names cannot be used."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker's URL taken apart; `secure` with TLS, whose files are empty where none is named."""

    host: str
    port: int
    secure: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str = ""
    certificate: str = ""
    key: str = ""

    @classmethod
    def of(cls, url: str) -> BrokerAddress:
        """Read a URL. Raises BrokerUrlError, which does not repeat the password."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
            files = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        except ValueError as error:
            raise BrokerUrlError(f"The broker's URL cannot be read: {error}.") from error
        if parts.scheme not in _PORTS or not host:
            raise BrokerUrlError(
                f"{parts.scheme}://{host or ''} is no broker's address: write "
                "mqtt://user:password@host:port, or mqtts:// for TLS."
            )
        secure = parts.scheme == "mqtts"
        unknown = [name for name in files if name not in _FILES or not secure]
        if unknown or ("certificate" in files) != ("key" in files):
            raise BrokerUrlError(
                f"The URL of the broker {host} may name ca, certificate and key after the ?, the "
                f"last two together, and with mqtts:// only; it names {', '.join(files)}."
            )
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(host, port or _PORTS[parts.scheme], secure, user, password, **files)

    @property
    def where(self) -> str:
        """Host and port, for sentences."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL again, with user and password where it has them."""
        login = "" if self.user is None else quote(self.user, safe="")
        if self.password is not None:
            login += f":{quote(self.password, safe='')}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        files = {name: value for name in _FILES if (value := getattr(self, name))}
        query = f"?{urlencode(files, safe='/')}" if files else ""
        scheme = "mqtts" if self.secure else "mqtt"
        return f"{scheme}://{login}{'@' if login else ''}{host}:{self.port}{query}"

    def signing_in(self, user: str, password: str) -> BrokerAddress:
        """The same broker with this user and password."""
        return replace(self, user=user, password=password)

    def for_others(self) -> BrokerAddress:
        """The same broker for clients that sign in as themselves."""
        return replace(self, user=None, password=None, certificate="", key="")

    def tls(self) -> ssl.SSLContext | None:
        """What a client needs to speak TLS with it; None without TLS.

        Raises BrokerUrlError where a file cannot be read or is no certificate or key.
        """
        if not self.secure:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
        except OSError as error:  # ssl.SSLError is one
            raise BrokerUrlError(_unusable("ca", self.ca, error)) from error
        if self.certificate:
            try:
                context.load_cert_chain(self.certificate, self.key)
            except OSError as error:
                files = f"{self.certificate} with {self.key}"
                raise BrokerUrlError(_unusable("certificate and key", files, error)) from error
        return context

    def trouble(self) -> str | None:
        """Why no connection comes about, tried anew now; None where nothing speaks against one
        so far, up to signing in."""
        try:
            line = socket.create_connection((self.host, self.port), timeout=_PATIENCE_S)
        except OSError as error:
            return f"nothing answers ({error.strerror or error})"
        with line:
            context = self.tls()
            return _speaks_tls(line) if context is None else self._refusal(line, context)

    def _refusal(self, line: socket.socket, context: ssl.SSLContext) -> str | None:
        try:
            with context.wrap_socket(line, server_hostname=self.host) as tls:
                tls.settimeout(_REFUSAL_S)
                tls.recv(1)
        except TimeoutError:
            return None  # it waits for us to say something
        except ssl.SSLCertVerificationError as error:
            return self._untrusted(error)
        except ssl.SSLError as error:
            words = str(error.reason or error)
            said = [text for alert, text in _ALERTS.items() if alert in words]
            return said[0] if said else f"TLS failed ({words})"
        except ConnectionError:
            return _PLAIN
        return "it closed the connection without a word"

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> str:
        code = error.verify_code
        if code in (_EXPIRED, _NOT_YET):
            state = "has expired" if code == _EXPIRED else "is not valid yet"
            return f"its certificate {state}: renew it, or set this machine's clock right"
        if code in (_OTHER_HOST, _OTHER_ADDRESS):
            return (
                f"its certificate is for other names than {self.host}: use a name that stands in "
                "it, or have one made for this name"
            )
        if code in _UNTRUSTED:
            trusted = f"in {self.ca}" if self.ca else "known to this system"
            return (
                f"its certificate was signed by no authority {trusted}: name the right one with "
                "?ca=FILE in the URL"
            )
        return f"its certificate is not accepted: {error.verify_message}"


def _speaks_tls(line: socket.socket) -> str | None:
    """Whether a port that was asked without TLS wants it."""
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    try:
        asking.wrap_socket(line).close()
    except OSError:
        return None
    return "it speaks TLS at this port: write mqtts:// and ?ca=FILE"


def _unusable(what: str, file: str, error: OSError) -> str:
    reason = error.strerror if error.filename or not isinstance(error, ssl.SSLError) else error
    return f"The {what} of the broker's URL, {file}, cannot be used: {reason}."
