"""What `--check --probe` does beyond looking: one row to the endpoint, one object to the store."""

from typing import TYPE_CHECKING

from monitoring import clock
from monitoring.errors import RefusedError, TransientError
from monitoring.s3_uri import S3Uri

if TYPE_CHECKING:
    from monitoring.settings.model import Settings


def new_name() -> str:
    """Return the name of the row and of the object that a probe leaves: `check_<time>`."""
    return f"check_{clock.utc_now():%Y%m%dT%H%M%SZ}"


def send_row(settings: "Settings", row_id: str) -> str:
    """Send the first complete row of the training data to the endpoint; return what it answered.

    One try; the endpoint captures the row like any other. Raises what ends a run, RefusedError for
    an answer that is no prediction, and what reading the training data raises.
    """
    from monitoring.dataset import schema as columns
    from monitoring.services.model_api import ModelApi
    from monitoring.services.model_reply import UnusableReplyError

    body = columns.request_body(settings.schema, _first_row(settings), row_id)
    try:
        answer = ModelApi(settings.model_api, settings.schema.target).predict(body)
    except UnusableReplyError as error:
        raise RefusedError(
            f"{settings.model_api.url}: row {row_id} was sent; its answer is no prediction: {error}"
        ) from None
    except TransientError as error:
        raise TransientError(
            f"{settings.model_api.url}: row {row_id} failed for now: {error}", kind=error.kind
        ) from None
    score = "" if answer.score is None else f", score {answer.score:.3g}"
    return f"row {row_id} was sent and captured: class {answer.value}{score}"


def _first_row(settings: "Settings") -> dict[str, float]:
    from monitoring.dataset import schema as columns
    from monitoring.dataset import training_data
    from monitoring.dataset.training_file import TrainingFile

    names = columns.column_names(settings.schema)
    with TrainingFile(settings) as data:
        for chunk in training_data.chunks(data.path, settings.schema):
            complete = chunk[names].dropna()
            if len(complete):
                return {name: complete[name].iloc[0] for name in names}
    raise RefusedError(f"{settings.training_data}: no row has a value for every feature")


def write_object(settings: "Settings", uri: S3Uri, name: str) -> tuple[str, str | None]:
    """Write and remove an object beside a day's; return what happened and a warning, if any."""
    from monitoring.services.s3_probe import probe

    beside = S3Uri(uri.bucket, f"{uri.key}.{name}")
    result = probe(settings.s3, beside)
    ending = "removed" if result.is_removed else "left there"
    conditions = "are honoured" if result.honours_conditions else "are not honoured"
    warnings = []
    if not result.honours_conditions:
        warnings.append("this store may replace an object unseen: never run two machines at once")
    if not result.is_removed:
        warnings.append(f"{beside} may not be removed with these credentials: remove it yourself")
    return f"{beside}: written and {ending}; conditions {conditions}", "; ".join(warnings) or None
