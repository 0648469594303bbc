"""Who may ask: the holder of the token that both servers share."""

from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, HTTPException, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.settings import Settings, load_settings


def require_bearer(
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    settings: Annotated[Settings, Depends(load_settings)],
) -> None:
    """401 for a wrong or missing token; 500 when this server has none, so that nobody gets in by accident."""
    wanted = settings.ru_bearer_token.get_secret_value()
    if not wanted:
        raise HTTPException(
            status.HTTP_500_INTERNAL_SERVER_ERROR, "this server has no RU_BEARER_TOKEN"
        )
    # Bytes: compare_digest refuses text outside ASCII, and a header may hold it.
    if given is None or not compare_digest(given.credentials.encode(), wanted.encode()):
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED, "wrong token", headers={"WWW-Authenticate": "Bearer"}
        )
