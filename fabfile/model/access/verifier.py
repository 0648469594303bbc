"""What PostgreSQL keeps of a password: a SCRAM verifier, from which nobody learns the password.

See RFC 5803, and ``password_encryption`` in PostgreSQL's documentation.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

from ..errors import refused

ROUNDS = 4096
"""As PostgreSQL itself does; a password of ours is too long to be found by trying."""


def scram(key: str, password: str, salt: bytes) -> str:
    """The verifier of a password; exit code 2 for one that is not written in plain ASCII.

    ``key``: what it is called in the message. Of others the standard demands a preparation.
    """
    if not password.isascii() or not password.isprintable():
        raise refused(f"{key}: a database's password is letters, digits and signs of ASCII")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    texts = [b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${ROUNDS}:{texts[0]}${texts[1]}:{texts[2]}"
