"""The addresses of Model Monitor, its API key, and the shape of its refusals."""

from sandbox.model_monitor import ground_truth, jobs, models
from sandbox.routing import Route, Service
from sandbox.state import Sandbox
from sandbox.wire import Refused, Reply, Request, gateway_reply, json_reply

BASE = "/model-monitor/v2/api"  # contracts 3
GROUND_TRUTH = "/api/modelMonitor/v2/groundTruth"


def guard(sandbox: Sandbox, request: Request) -> Reply | None:
    """Take the API key (contracts 2.2, 3.1).

    403 is documented; which headers count, and what a gateway makes of a wrong key, are switches.
    """
    switches = sandbox.switches
    if request.path == GROUND_TRUTH and switches.ground_truth_endpoint != "served":  # 3.7
        return gateway_reply(switches.ground_truth_endpoint, sandbox.port)

    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    sent = {
        "X-Domino-Api-Key": request.headers.get("X-Domino-Api-Key"),
        "X-DMM-API-KEY": request.headers.get("X-DMM-API-KEY"),
        "Bearer": bearer,
    }
    if any(sent[name] == sandbox.identity.api_key for name in switches.key_headers):
        return None
    if switches.key_refusal.isdigit():
        raise Refused(int(switches.key_refusal), "Access denied: missing or invalid API key.")
    return gateway_reply(switches.key_refusal, sandbox.port)


def render(sandbox: Sandbox, refused: Refused) -> Reply:
    """Return a refusal (contracts 3.2.2).

    The usual body is an array of strings; a bare string and two objects occur as well.
    """
    messages = refused.messages
    bodies = {
        "array": messages,
        "string": messages[0],
        "message": {"message": messages[0]},
        "errors": {"errors": messages},
    }
    return json_reply(refused.status, bodies[sandbox.switches.error_shape])


SERVICE = Service(
    routes=(
        Route("POST", GROUND_TRUTH, ground_truth.register_named),
        Route("PUT", f"{BASE}/model/([^/]+)/register-dataset/ground_truth", ground_truth.register),
        Route("PUT", f"{BASE}/model", models.register_model),
        Route("GET PATCH DELETE", f"{BASE}/model", models.handle_model),
        Route("GET", f"{BASE}/models", models.list_models),
        Route("GET", f"{BASE}/model/([^/]+)/variables/summary", models.variables_summary),
        Route("GET", f"{BASE}/datasources", models.list_data_sources),
        Route("POST", f"{BASE}/([^/]+)/dataset-jobs", jobs.list_jobs),
    ),
    guard=guard,
    render=render,
)
