"""PEM texts, looked at before they are stored. A sentence about one never quotes it."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

MOST_CHARACTERS = 256 * 1024


def why_no_certificates(text: object) -> str | None:
    """What to write instead of a text that is not one or more PEM certificates; None: it is."""
    if not isinstance(text, str) or len(text) > MOST_CHARACTERS or not certificates(text):
        return "Write a certificate in PEM: -----BEGIN CERTIFICATE----- and so on."
    return None


def why_no_pair(cert: object, key: object) -> dict[str, str]:
    """Field → what to write, for a client's certificate and its key; empty when they belong together."""
    if not cert and not key:
        return {}
    wrong = why_no_certificates(cert)
    errors = {"cert": wrong} if wrong else {}
    public = _public_of(key)
    if public is None:
        errors["key"] = "Write the certificate's private key in PEM, without a passphrase."
    elif not errors and public != _bytes_of(certificates(str(cert))[0].public_key()):
        errors["key"] = "This is the key of another certificate: write the one that belongs to cert."
    return errors


def certificates(text: str) -> list[x509.Certificate]:
    """Those in the text; none if it cannot be read."""
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        return []


def _public_of(key: object) -> bytes | None:
    if not isinstance(key, str) or len(key) > MOST_CHARACTERS:
        return None
    try:
        return _bytes_of(load_pem_private_key(key.encode(), password=None).public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _bytes_of(public_key: object) -> bytes:
    encoded: bytes = public_key.public_bytes(  # type: ignore[attr-defined]  # every kind of key has it
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return encoded
