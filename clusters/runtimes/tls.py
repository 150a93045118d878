"""TLS as every engine must speak it: 1.2 or newer, its certificate always verified against its host name."""

import ssl
import tempfile

from .base import RuntimeFailure

_EXPIRED, _NOT_YET = 10, 9
_UNKNOWN_CA = frozenset({2, 7, 18, 19, 20, 21})
_OTHER_NAME = frozenset({62, 64})
_WANTS_OURS = (
    "CERTIFICATE_REQUIRED",
    "BAD_CERTIFICATE",
    "ALERT_UNKNOWN_CA",
    "CERTIFICATE_UNKNOWN",
    "CERTIFICATE_EXPIRED",
)


def tls_context(ca: str, cert: str, key: str) -> ssl.SSLContext:
    """A client's context from PEM texts; without `ca` the system's authorities count. Raises RuntimeFailure."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if ca:
            context.load_verify_locations(cadata=ca)
        else:
            context.load_default_certs()
    except (ssl.SSLError, ValueError) as error:
        raise RuntimeFailure("The ca of this connection is no certificate.", permanent=True) from error
    if cert:
        _load_pair(context, cert, key)
    return context


def tls_failure(error: BaseException) -> RuntimeFailure:
    """What went wrong in a handshake or under it, in our words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return RuntimeFailure(_certificate_sentence(error.verify_code), permanent=True)
    reason = (error.reason or "") if isinstance(error, ssl.SSLError) else ""
    if any(word in reason for word in _WANTS_OURS):
        return RuntimeFailure("The engine does not accept the certificate that we show it.", permanent=True)
    return RuntimeFailure("The engine does not speak TLS of version 1.2 or newer.", permanent=False)


def _certificate_sentence(code: int) -> str:
    if code == _EXPIRED:
        return "The engine's certificate has expired."
    if code == _NOT_YET:
        return "The engine's certificate is not valid yet."
    if code in _OTHER_NAME:
        return "The engine's certificate is for another host name."
    if code in _UNKNOWN_CA:
        return "The engine's certificate is not signed by an authority that this connection trusts."
    return "The engine's certificate could not be verified."


def _load_pair(context: ssl.SSLContext, cert: str, key: str) -> None:
    """OpenSSL reads the pair only from a file: one that nobody else may read, and gone at once."""
    with tempfile.NamedTemporaryFile("w", prefix="hypervisor-", suffix=".pem") as file:
        file.write(f"{cert}\n{key}\n")
        file.flush()
        try:
            # A password, even an empty one, keeps OpenSSL from asking for it at a terminal.
            context.load_cert_chain(file.name, password="")
        except (ssl.SSLError, ValueError, OSError):
            # Not `from error`: nothing about the key may end in a log.
            raise RuntimeFailure(
                "The cert and the key of this connection do not belong together.", permanent=True
            ) from None
