"""A model server of its own: irises by four lengths. `python model.py FOLDER PORT_FILE`."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

FEATURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def answer(model: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to one flower, in this server's own shape."""
    row = pd.DataFrame([{name: arguments[name] for name in FEATURES}])
    shares = model.predict_proba(row)[0]
    by_species = {
        str(name): float(share) for name, share in zip(model.classes_, shares, strict=True)
    }
    return {
        "answer": {"species": max(by_species, key=by_species.__getitem__), "shares": by_species}
    }


def serve(folder: Path, port_file: Path) -> None:
    """Serve the model of the folder on a free port of this machine, until it is stopped."""
    model = joblib.load(folder / "model.joblib")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            content = json.dumps(answer(model, json.loads(body)["data"])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing for each request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        port_file.write_text(str(server.server_address[1]))
        server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
