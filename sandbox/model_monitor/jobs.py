"""The jobs that read registered files: listing them, and running those that are due."""

import contextlib
import time
from typing import Any

from sandbox.model_monitor.ingestion import ingest
from sandbox.state import Sandbox
from sandbox.wire import Refused, Request, gateway_reply

JOB_TYPE = "ground_truth"
QUERY = {
    "start?": float,
    "end?": float,
    "search?": str,
    "pagination?": {"order?": int, "sort?": str, "page?": int, "size?": int},
    "filters?": {"status?": [str], "job_type?": [str]},
}


def list_jobs(sandbox: Sandbox, request: Request, model_id: str) -> Any:
    """Answer `POST /{id}/dataset-jobs` (contracts 3.4).

    What is unverified of it (contracts 15) is a switch or tolerated.
    """
    if sandbox.switches.jobs_endpoint != "served":
        return gateway_reply(sandbox.switches.jobs_endpoint)
    try:
        query = request.json(QUERY)
    except Refused as refused:
        raise Refused(500, *refused.messages) from refused  # contracts 3.1: it knows no 400
    sandbox.store.get("Model", model_id)

    datasets = [each for each in sandbox.store.all("Dataset") if each["modelId"] == model_id]
    jobs = [_job(sandbox, dataset) for dataset in datasets]
    status_field = sandbox.switches.job_status_field
    jobs = [job for job in jobs if _is_wanted(job, query, status_field)]

    page = {"order": 1, "page": 1, "size": 50, **(query.get("pagination") or {})}
    if page["order"] < 0:
        jobs.reverse()
    first = (page["page"] - 1) * page["size"]
    return {"jobs": jobs[first : first + page["size"]], "total": len(jobs)}


def _is_wanted(job: dict[str, Any], query: dict[str, Any], status_field: str) -> bool:
    start, end = query.get("start", 0), query.get("end", time.time() + 1)
    filters = query.get("filters") or {}
    statuses, job_types = filters.get("status"), filters.get("job_type")
    return (
        start <= job["created_at"] <= end
        and query.get("search", "") in job["dataset_name"]
        and (not statuses or job[status_field] in statuses)
        and (not job_types or job["job_type"] in job_types)
    )


def _job(sandbox: Sandbox, dataset: dict[str, Any]) -> dict[str, Any]:
    """Return a job as the API shows it, by the clock."""
    return {
        "id": dataset["id"],
        "dataset_name": dataset["name"],
        "dataset_path": dataset["path"],
        "job_type": JOB_TYPE,
        "created_at": int(dataset["createdAt"]),
        sandbox.switches.job_status_field: job_status(sandbox, dataset),
        **(dataset["outcome"] or {}),
    }


def job_status(sandbox: Sandbox, dataset: dict[str, Any]) -> str:
    """Return the word for how far a job is: it waits for the first third of its time."""
    waiting, running, done, failed = sandbox.switches.job_words
    if dataset["outcome"]:
        return failed if "message" in dataset["outcome"] else done
    runs_from = dataset["createdAt"] + (dataset["dueAt"] - dataset["createdAt"]) / 3
    return waiting if time.time() < runs_from else running


def run_due_jobs(sandbox: Sandbox) -> None:
    """Read each file whose time has come, and keep the outcome; the server calls this often."""
    if sandbox.switches.job_never_ends:
        return
    for dataset_id in sandbox.store.ids_without("Dataset", "outcome"):
        with contextlib.suppress(Refused):  # forgotten in the meantime
            _run_if_due(sandbox, dataset_id)


def _run_if_due(sandbox: Sandbox, dataset_id: str) -> None:
    store = sandbox.store
    dataset = store.get("Dataset", dataset_id)
    if dataset["dueAt"] > time.time():
        return
    reason = sandbox.switches.job_fails
    outcome = {"message": reason} if reason else ingest(sandbox, dataset)
    with store.lock:
        store.put("Dataset", dataset_id, store.get("Dataset", dataset_id) | {"outcome": outcome})
