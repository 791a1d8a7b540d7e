"""Which model runs behind the endpoint: the sandbox's own, or the user's."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """file: of joblib. url: of a model that runs elsewhere. config: whose schema it has."""

    file: Path | None = None
    url: str | None = None
    config: Path = Path("config.yaml")

    @property
    def is_made(self) -> bool:
        """Whether it is the user's."""
        return bool(self.file or self.url)

    def flags(self) -> list[str]:
        """Return it as flags of the command line; none for the sandbox's own model."""
        if self.file:
            chosen = ["--model", str(self.file.resolve())]
        elif self.url:
            chosen = ["--model-url", self.url]
        else:
            return []
        return [*chosen, "--config", str(self.config.resolve())]


THE_SANDBOX_S = ModelChoice()
"""The sandbox's own model."""
