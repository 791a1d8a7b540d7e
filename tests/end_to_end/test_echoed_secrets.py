"""Servers that show what they were sent: no secret gets from there into any output or file."""

from tests.support import canaries
from tests.support.loop import DAY, Loop
from tests.support.relay import Relay, echo


def test_an_error_page_that_shows_the_request_leaves_no_secret_anywhere(loop: Loop) -> None:
    token, key = loop.env["MODEL_API_TOKEN"], loop.env["DMM_API_KEY"]
    loop.configure(model_api={"max_failed_share": 0.9}, scoring={"rows": [20, 20]})

    with Relay(loop.sandbox.url) as relay:
        model_url = loop.env["MODEL_API_URL"].replace(loop.sandbox.url, relay.url)
        relay.break_next(echo(400), method="POST", times=4)
        scored = loop.run(
            "daily_scoring.py",
            "--json",
            "--verbose",
            "--date",
            DAY,
            code=3,
            MODEL_API_URL=model_url,
        )
        relay.break_next(echo(400), method="POST")
        relay.break_next(echo(403), method="PUT")
        registered = loop.run(
            "gt_registration.py", "--json", "--date", DAY, code=6, DMM_URL=relay.url
        )

    assert len(relay.broken) == 5
    outputs = canaries.files_below(loop.folder / "state", loop.folder / "reports")
    for name, ended in (("scoring", scored), ("registration", registered)):
        outputs |= {f"{name} out": ended.stdout.encode(), f"{name} err": ended.stderr.encode()}
    assert "answered 400: POST /models/" in outputs["scoring err"].decode()
    assert canaries.leaks([token, key], outputs) == []
