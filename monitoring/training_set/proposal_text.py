"""A proposed schema as the section of config.yaml."""

from typing import Any

import yaml

from monitoring.training_set.proposal import Candidate, Proposal

_COMMENT_COLUMN = 66


def schema_text(proposal: Proposal, key: str) -> str:
    """Return the section `schema:` with a comment on every line that one should look at.

    key: the id's name where the table has no id.
    """
    kept = [candidate for candidate in proposal.candidates if candidate.type]
    left_out = [candidate for candidate in proposal.candidates if not candidate.type]
    labels = list(proposal.classes)
    positive = _flow({"name": proposal.target, "classes": labels, "positive": labels[-1]})
    mix = ", ".join(f"{label}: {rows:,}" for label, rows in proposal.classes.items())
    where = "every row has its own" if proposal.key else "not in the training data"

    lines = [
        f"# From {proposal.rows:,} rows. Keep exactly the columns that the endpoint takes;",
        "# categorical: 0 or 1; nominal: sent as it is; as: NAME, where it has another name there.",
        "schema:",
        _line(f"  key: {_scalar(proposal.key or key)}", [f"the endpoint's id argument; {where}"]),
        _line(f"  target: {positive}", [mix, "positive: the class whose probability is scored"]),
        "  features:" if kept else "  features: []",
        *(_line(f"    - {_feature(candidate)}", candidate.notes) for candidate in kept),
    ]
    if left_out:
        lines.append("    # left out:")
    lines += [f"    # {_one_line(c.name)}: {_one_line('; '.join(c.notes))}" for c in left_out]
    return "\n".join([*lines, *_indicator_lines(kept)])


def _indicator_lines(kept: list[Candidate]) -> list[str]:
    """Return the columns of texts as indicators, in comments: for an endpoint that takes those."""
    lines = []
    for candidate in kept:
        for level in candidate.levels:
            indicator = {
                "name": f"{candidate.name}_{level}",
                "type": "categorical",
                "group": candidate.name,
            }
            nullable = {"nullable": True} if candidate.nullable else {}
            lines.append(f"    # - {_flow(indicator | nullable)}")
    heading = (
        "    # for an endpoint that takes 0/1 indicators, these instead of the nominal columns:"
    )
    return [heading, *lines] if lines else []


def _feature(candidate: Candidate) -> str:
    settings: dict[str, Any] = {"name": candidate.name, "type": candidate.type}
    if candidate.group:
        settings["group"] = candidate.group
    if candidate.nullable:
        settings["nullable"] = True
    return _flow(settings)


def _line(setting: str, notes: list[str]) -> str:
    comment = _one_line("; ".join(notes))
    return f"{setting:<{_COMMENT_COLUMN}} # {comment}" if comment else setting


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _flow(value: Any) -> str:
    return yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=10**9, allow_unicode=True
    ).strip()


def _scalar(value: str) -> str:
    return _flow([value])[1:-1]
