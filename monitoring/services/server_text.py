"""What servers say, as data: nothing of it is secret, steers a terminal or begins a line."""

from monitoring.redaction import redacted_beginning
from monitoring.text import printable


def server_text(text: object, limit: int = 1000) -> str:
    """Return a server's words so that they can be stored, logged and shown.

    Secrets that it echoes become ***, in each of their forms, before anything is cut; control
    characters and line ends become "?"; at most `limit` characters are kept.
    """
    return printable(redacted_beginning(str(text), limit), limit)
