"""What a certificate in PEM text says of itself."""

from __future__ import annotations

from cryptography import x509


def is_self_made(pem: str) -> bool:
    """Whether it is the self-signed one that a new server starts with."""
    if not pem:
        return False
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return certificate.issuer == certificate.subject
