"""Where the sandbox is, and the files of a state folder that more than one module uses."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = ROOT / "var" / "sandbox"
DEMO_FOLDER = ROOT / "var" / "demo"

SERVER_FILE = "server.json"
"""Locked by the server while it lives; says where it is."""

USERS_FILE = "users.lock"
"""Locked, shared, by every user of the server."""

SERVER_LOG = "server.log"
OBJECTS_LOG = "objects.log"
