"""What a certificate in PEM text says of itself."""

from __future__ import annotations

from cryptography import x509


def is_self_made(pem: str) -> bool:
    """Whether it is the self-signed one that a new server starts with."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return False
    return certificate.issuer == certificate.subject


def is_readable(pem: str) -> bool:
    """Whether there is a certificate in the text at all."""
    try:
        x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return False
    return True
