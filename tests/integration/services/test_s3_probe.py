"""Whether a store honours conditions, as a probe finds it."""

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitoring.errors import RefusedError
from monitoring.s3_uri import S3Uri
from monitoring.services.s3_probe import probe
from monitoring.settings.model import S3

KEY = S3Uri("bucket", "day.csv.check_1")


@pytest.fixture
def settings(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> S3:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return S3(endpoint_url=httpserver.url_for("").rstrip("/"), region="us-east-1")


def methods(httpserver: HTTPServer) -> list[str]:
    return [request.method for request, _ in httpserver.log]


def serve(httpserver: HTTPServer, *puts: Response, delete: int = 204) -> None:
    """Answer the n-th put with the n-th response, the last one for ever."""
    left = list(puts)

    def put(_: Request) -> Response:
        return left.pop(0) if len(left) > 1 else left[0]

    path = "/bucket/day.csv.check_1"
    httpserver.expect_request(path, method="PUT").respond_with_handler(put)
    httpserver.expect_request(path, method="HEAD").respond_with_data("", status=404)
    httpserver.expect_request(path, method="GET").respond_with_response(error(404, "NoSuchKey"))
    httpserver.expect_request(path, method="DELETE").respond_with_data("", status=delete)


def stored() -> Response:
    return Response("", headers={"ETag": '"1"'})


def error(status: int, code: str) -> Response:
    return Response(f"<Error><Code>{code}</Code></Error>", status=status)


def test_a_store_that_refuses_the_second_put_honours_conditions(
    httpserver: HTTPServer, settings: S3
) -> None:
    serve(httpserver, stored(), error(412, "PreconditionFailed"))

    assert probe(settings, KEY) == (True, True)
    assert methods(httpserver) == ["PUT", "PUT", "DELETE"]


def test_a_store_that_takes_the_second_put_ignores_conditions(
    httpserver: HTTPServer, settings: S3
) -> None:
    """s3rver 3.7.1 does."""
    serve(httpserver, stored())

    assert probe(settings, KEY) == (False, True)


def test_a_store_that_knows_no_conditions_is_written_without_and_what_stays_is_said(
    httpserver: HTTPServer, settings: S3
) -> None:
    serve(httpserver, error(501, "NotImplemented"), stored(), delete=403)

    assert probe(settings, KEY) == (False, False)


def test_a_denied_put_is_refused(httpserver: HTTPServer, settings: S3) -> None:
    serve(httpserver, error(403, "AccessDenied"))

    with pytest.raises(RefusedError, match=r"PUT s3://bucket/day.csv.check_1: refused \(403"):
        probe(settings, KEY)
    assert methods(httpserver) == ["PUT"]
