"""What is known of a run that creates a version, as its JSON object."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitoring.training_set.difference import Difference


@dataclass(slots=True)
class CreationResult:
    """What is known of a version that is created; None: not known, or not from this run.

    errors, warnings: of the lint. dmm_thresholds: the PSI worth entering in DMM, by feature.
    would_send: of a dry run.
    """

    name: str
    number: int | None = None
    rows: int | None = None
    columns: int | None = None
    warnings: list[str] = field(default_factory=list)
    errors: list[str] | None = None
    dmm_thresholds: dict[str, float] | None = None
    difference: "Difference | None" = None
    would_send: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values; of what is optional, only what is known."""
        always = ("name", "number", "rows", "columns", "warnings")
        return {
            name: value
            for name, value in asdict(self).items()
            if name in always or value is not None
        }
