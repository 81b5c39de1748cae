"""A small certificate authority of one's own: the broker's certificate, and those of machines.

Keys are on the curve P-256, which small telematics units handle too. The authority's key signs for
whoever can read it: it is kept readable for its owner only.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleet import clock
from ironpulse.stack.errors import StackError

_AUTHORITY_DAYS = 3650
_SERVER_DAYS = 397
#: A server certificate with less than this left is made anew at the next start.
_RENEW_DAYS = 30
MACHINE_DAYS = 365
#: Clocks of machines are not always right.
_BACKDATED = timedelta(days=1)


#: What reading a certificate of somebody else, or no certificate at all, may end in.
_NOT_OURS = (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound)


class Authority:
    """An authority in a folder: `ca.crt`, which clients trust, and `ca.key`.

    Made at the first use of an empty folder. Raises StackError where its files cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "ca.crt"
        self._key_file = folder / "ca.key"
        if not self._key_file.exists():
            self._found()
        try:
            key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
            self._certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise StackError(
                f"The certificate authority in {folder} cannot be used ({error}). It needs ca.crt "
                "and ca.key without a password, readable for you."
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise StackError(f"{self._key_file} holds no key on an elliptic curve.")
        self._key = key

    def server(self, names: list[str]) -> tuple[Path, Path]:
        """Files of a server's certificate for these names and addresses, and of its key; made anew
        where they are missing, for other names, or nearly expired."""
        certificate, key = self.folder / "server.crt", self.folder / "server.key"
        if not (certificate.exists() and key.exists() and self._serves(certificate, names)):
            alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
            self._issue(
                certificate, key, names[0], _SERVER_DAYS, ExtendedKeyUsageOID.SERVER_AUTH,
                alternatives,
            )  # fmt: skip
        return certificate, key

    def machine(self, serial: str, folder: Path, days: int = MACHINE_DAYS) -> tuple[Path, Path]:
        """A new client certificate whose common name is the serial; `SERIAL.crt` and `.key`."""
        certificate, key = folder / f"{serial}.crt", folder / f"{serial}.key"
        self._issue(certificate, key, serial, days, ExtendedKeyUsageOID.CLIENT_AUTH)
        return certificate, key

    def _found(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"Ironpulse authority of {socket.gethostname()}")
        builder = _builder(name, key, _AUTHORITY_DAYS).issuer_name(name)
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        builder = builder.add_extension(usage, True).add_extension(own, False)
        certificate = builder.sign(key, hashes.SHA256())
        # The key last: an interrupted start leaves no key, and begins anew.
        _write(self.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        _write(self._key_file, _pem(key), 0o600)

    def _issue(
        self,
        certificate_file: Path,
        key_file: Path,
        name: str,
        days: int,
        purpose: x509.ObjectIdentifier,
        alternatives: x509.SubjectAlternativeName | None = None,
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), key, days).issuer_name(self._certificate.subject)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), False)
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(signer, False)
        if alternatives is not None:
            builder = builder.add_extension(alternatives, False)
        certificate = builder.sign(self._key, hashes.SHA256())
        key_file.parent.mkdir(parents=True, exist_ok=True)
        _write(key_file, _pem(key), 0o600)
        _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _serves(self, file: Path, names: list[str]) -> bool:
        try:
            found = x509.load_pem_x509_certificate(file.read_bytes())
            found.verify_directly_issued_by(self._certificate)
            kind = x509.SubjectAlternativeName
            known = found.extensions.get_extension_for_class(kind).value
        except _NOT_OURS:
            return False
        left = found.not_valid_after_utc - _now()
        return set(known) == set(map(_general_name, names)) and left > timedelta(days=_RENEW_DAYS)


def _builder(
    name: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = _now()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _now() -> datetime:
    return clock.to_datetime(clock.now_ms())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file that has its rights from the first byte on, in one step."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    draft.replace(path)
