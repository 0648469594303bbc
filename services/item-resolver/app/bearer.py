"""Who may ask: the holder of the token that both servers share."""

from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, HTTPException, Request, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer


def require_bearer(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
) -> None:
    """401 for a wrong or missing token; 500 when this server has none, so nobody gets in."""
    wanted = request.app.state.settings.ru_bearer_token.get_secret_value()
    if not wanted:
        raise HTTPException(
            status.HTTP_500_INTERNAL_SERVER_ERROR, "this server has no RU_BEARER_TOKEN"
        )
    # Bytes: compare_digest refuses text outside ASCII, and a header may hold it.
    if given is None or not compare_digest(given.credentials.encode(), wanted.encode()):
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED, "wrong token", headers={"WWW-Authenticate": "Bearer"}
        )
