"""Answers to what goes wrong, in one form: `{"detail": …}`."""

import logging

from fastapi import FastAPI, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolExhausted

log = logging.getLogger(__name__)


async def invalid(_request: Request, refused: RequestValidationError) -> JSONResponse:
    """422 that says where and why. What was sent is not repeated: it may be a password."""
    detail = [{key: error[key] for key in ("type", "loc", "msg")} for error in refused.errors()]
    return JSONResponse({"detail": detail}, status.HTTP_422_UNPROCESSABLE_CONTENT)


async def database_away(_request: Request, failure: Exception) -> JSONResponse:
    """503 while the database is away or overburdened; a mistake of ours stays an error."""
    if isinstance(failure, DataError | IntegrityError | ProgrammingError):
        raise failure
    log.warning("database: %s", type(failure).__name__)
    return JSONResponse(
        {"detail": "the database does not answer, try again"},
        status.HTTP_503_SERVICE_UNAVAILABLE,
        {"Retry-After": "5"},
    )


def answer_errors(app: FastAPI) -> None:
    """Have the application answer errors so."""
    app.add_exception_handler(RequestValidationError, invalid)  # type: ignore[arg-type]
    for kind in (DBAPIError, PoolExhausted, OSError):
        app.add_exception_handler(kind, database_away)
