"""What the server cannot do, as a person reads it: problem documents (RFC 9457)."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from restorect.errors import RestorectError, shown
from restorect.reasons import AGAIN, no_way_on, reason_of

TYPE = "application/problem+json"
_TITLES = {
    401: "Not let in",
    403: "Refused",
    404: "Not there",
    409: "Not now",
    413: "Too large",
    415: "Not a photo",
    422: "Not understood",
    503: "Busy",
    507: "No space",
}


class ProblemError(Exception):
    """An answer other than the one that was asked for.

    Args:
        status: of HTTP.
        detail: what is wrong and what to do, one line.
        retry_after: seconds to wait before trying again.
    """

    def __init__(self, status: int, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.retry_after = status, detail, retry_after

    def response(self) -> JSONResponse:
        """The problem document."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        title = _TITLES.get(self.status, "Failed")
        content = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}
        return JSONResponse(content, self.status, headers, TYPE)


def answer_problems(app: FastAPI) -> None:
    """Let every error of an app end in a problem document, never in a traceback."""

    def on(kind: type[Exception], problem: Callable[[Exception], ProblemError]) -> None:
        async def handle(_: Request, error: Exception) -> JSONResponse:
            return problem(error).response()

        handler: Callable[[Request, Exception], Awaitable[JSONResponse]] = handle
        app.add_exception_handler(kind, handler)

    on(ProblemError, lambda error: error if isinstance(error, ProblemError) else _unexpected(error))
    on(RestorectError, lambda error: ProblemError(422, reason_of(error)))
    on(RequestValidationError, lambda error: ProblemError(422, _misfit(error)))
    on(HTTPException, lambda error: ProblemError(getattr(error, "status_code", 500), "there is no such address"))
    on(OSError, of_system)
    on(Exception, _unexpected)


def of_system(error: Exception) -> ProblemError:
    """The answer where the system refuses."""
    return ProblemError(507 if no_way_on(error) else 500, on_page(reason_of(error)))


def on_page(reason: str) -> str:
    """A reason where there is no command to run again."""
    return reason.replace(AGAIN, "try again")


def _unexpected(error: Exception) -> ProblemError:
    return ProblemError(500, reason_of(error))


def _misfit(error: Exception) -> str:
    """The first thing that is wrong with what was sent."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if not found:
        return "what was sent is not understood"
    where = ".".join(str(part) for part in found[0]["loc"][1:])
    text = str(found[0]["msg"]).removeprefix("Value error, ")
    return shown(f"{where}: {text}" if where else text)
