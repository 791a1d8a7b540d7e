"""One call of an object store: its tries, its limit of time, and what an answer must have."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from monitoring.errors import RefusedError, ServiceError, TransientError
from monitoring.s3_uri import S3Uri
from monitoring.services import s3_errors
from monitoring.services.retry import Budget, with_retries
from monitoring.services.s3_connection import LIMITS
from monitoring.services.s3_deadline import Connections
from monitoring.services.s3_errors import MISSING, error_code
from monitoring.services.server_text import server_text
from monitoring.text import format_count

_SHOWN_ETAG = re.compile(r"[ -~]{1,200}")


class Caller:
    """Sends requests over connections that can be cut when their time is over."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def __call__(
        self,
        verb: str,
        uri: S3Uri,
        request: Callable[[], Any],
        expected_codes: Collection[str] = (),
        budget: Budget | None = None,
    ) -> Any:
        """Return the answer, None for a missing object, or the error code where it is expected.

        Tries again what may pass; the last try gets what is left of the time. Raises ServiceError,
        RefusedError, CredentialsError.
        """
        where = f"{verb} {uri}"
        budget = budget or Budget.lasting(LIMITS.total_seconds)
        tries = 0

        def attempt() -> Any:
            nonlocal tries
            tries += 1
            with self._connections.limit(budget.seconds_left) as limit:
                try:
                    answer = _one_try(verb, where, request, expected_codes)
                except Exception:
                    if limit.is_over:  # whatever the cut connection looked like
                        raise _timeout() from None
                    raise
                if limit.is_over:
                    raise _timeout()
                return answer

        try:
            return with_retries(attempt, attempts=LIMITS.attempts, budget=budget)
        except TransientError as error:
            raise ServiceError(
                f"{where} failed for now: {error} ({format_count(tries, 'try', 'tries')}); state is"
                " kept, run again"
            ) from None


def _one_try(
    verb: str, where: str, request: Callable[[], Any], expected_codes: Collection[str]
) -> Any:
    try:
        answer = request()
        _check_answer(verb, answer)
        return answer
    except ResponseParserError as error:  # a web page, say
        raise RefusedError(
            f"{where}: this is no S3 store ({server_text(error)}): fix s3.endpoint_url or"
            " AWS_ENDPOINT_URL_S3"
        ) from None
    except ClientError as error:
        code = error_code(error)
        if code in expected_codes:
            return code
        if code in MISSING and verb in ("HEAD", "GET"):
            return None
        raise s3_errors.from_client_error(where, error) from None
    except s3_errors.BROKEN_CONNECTION as error:
        raise s3_errors.from_broken_connection(where, error) from None
    except BotoCoreError as error:
        raise s3_errors.from_boto_error(where, error) from None
    except Exception as error:
        # boto3 lets through whatever its parsers stumble over: ValueError, KeyError, TypeError ...
        raise RefusedError(
            f"{where}: this is no S3 store, its answer can't be read ({type(error).__name__}:"
            f" {server_text(error)}): fix s3.endpoint_url or AWS_ENDPOINT_URL_S3"
        ) from None


def _check_answer(verb: str, answer: Mapping[str, Any]) -> None:
    if verb == "LIST":
        if "IsTruncated" not in answer:
            raise ResponseParserError("no IsTruncated in the answer")
    elif verb != "DELETE" and not _SHOWN_ETAG.fullmatch(str(answer.get("ETag", ""))):
        raise ResponseParserError("no ETag in the answer")


def _timeout() -> TransientError:
    return TransientError(f"no whole answer within {LIMITS.total_seconds:g} s", kind="timeout")
