"""What a day still needs: the one place that decides, by pure functions from what is known."""

from dataclasses import dataclass
from enum import Enum, IntEnum

from monitoring.ledger.manifest import ACCEPTED_STATES, State

MATCHED_DAYS = 90
"""DMM matches outcomes with predictions of so many days (contracts 5); older: unverified."""


class Step(IntEnum):
    """What a day needs next from daily scoring; each step is followed by the later ones."""

    GENERATE = 1
    SCORE = 2
    UPLOAD = 3
    REPORT = 4
    DONE = 5


class RegistrationStep(Enum):
    """What a day needs next from registration."""

    WAIT_FOR_OUTCOMES = "its outcomes are not due"
    REGISTER = "register its file"
    REGISTER_AGAIN = "register its rows as another file"
    FOLLOW = "ask DMM what became of it"


class Refusal(Enum):
    """Why a day must not be worked on."""

    ACCEPTED_BY_DMM = "--rerun of a day that DMM has accepted"
    FOREIGN_OBJECT = "its key holds an object of another model or day"
    DONE_ELSEWHERE = "another run stored its file first"
    NOT_STORED_HERE = "--rerun of a day whose file another run stored"
    INPUTS_CHANGED = "half scored, and settings that shape its rows have changed"
    NOT_FAILED = "--again of a day whose ingestion has not failed"


class ObjectAtKey(Enum):
    """What the store holds under a day's key."""

    NOT_CHECKED = "not checked, or not visible to these credentials"
    ABSENT = "nothing, or just what a --rerun that has begun is to replace"
    OF_THIS_RUN = "the file that this day's own run stored"
    OF_ANOTHER_RUN = "the file of this model and day that another run stored"
    FOREIGN = "an object of another model or day"


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What is known of a day before it is worked on.

    changed_inputs: the settings that shape its rows and are not as they were when it began, as
    text; schema_changed: the schema is among them, so that its rows no longer fit. has_answers:
    some row has an answer that stays (needed only where inputs have changed).
    """

    state: State | None = None
    object_at_key: ObjectAtKey = ObjectAtKey.NOT_CHECKED
    rerun: bool = False
    was_generated_here: bool = False
    has_answers: bool = False
    has_report: bool = False
    changed_inputs: tuple[str, ...] = ()
    schema_changed: bool = False


def scoring_step(facts: DayFacts) -> Step | Refusal:
    """Return what daily scoring does next with a day, or why it must not."""
    if facts.rerun:
        return _rerun_step(facts)
    if facts.state is None:
        return _unknown_day_step(facts.object_at_key)
    if facts.state in ACCEPTED_STATES:
        return Step.DONE
    if facts.object_at_key is ObjectAtKey.FOREIGN:
        return Refusal.FOREIGN_OBJECT
    if facts.object_at_key is ObjectAtKey.OF_ANOTHER_RUN:
        return Refusal.DONE_ELSEWHERE
    if not facts.was_generated_here:
        return Step.DONE if facts.state == State.UPLOADED else Step.GENERATE

    # A put that succeeded unnoticed: its answer was lost, or the run was killed right after it.
    is_uploaded = facts.state == State.UPLOADED or facts.object_at_key is ObjectAtKey.OF_THIS_RUN
    if facts.state == State.GENERATED and not is_uploaded:
        return _half_scored_step(facts)
    if is_uploaded and facts.has_report:
        return Step.DONE
    if facts.schema_changed:
        return Refusal.INPUTS_CHANGED
    if is_uploaded:
        return Step.REPORT
    # Rows that failed for a reason that may have passed are sent again, but only by the settings
    # that the others were sent by.
    return Step.UPLOAD if facts.changed_inputs else Step.SCORE


def looks_at_object(state: State | None, *, rerun: bool) -> bool:
    """Whether the object at the day's key matters to the step: something would be sent."""
    return rerun or state in (None, State.GENERATED, State.SCORED)


def compares_inputs(facts: DayFacts) -> bool:
    """Whether the settings of now matter to the step: the day's rows exist and are worked on."""
    is_open = facts.state in (State.GENERATED, State.SCORED) or (
        facts.state == State.UPLOADED and not facts.has_report
    )
    return facts.was_generated_here and is_open and not facts.rerun


def registration_step(
    state: State | None, *, is_due: bool, again: bool = False
) -> RegistrationStep | Refusal:
    """Return what registration does next with a day, or why it must not.

    is_due: `lag_days` have passed. again: --again was given.
    """
    if not is_due:
        return RegistrationStep.WAIT_FOR_OUTCOMES
    if again:
        is_failed = state == State.FAILED
        return RegistrationStep.REGISTER_AGAIN if is_failed else Refusal.NOT_FAILED
    return RegistrationStep.FOLLOW if state in ACCEPTED_STATES else RegistrationStep.REGISTER


def is_pending(state: State, *, is_due: bool, age_days: int) -> bool:
    """Whether --pending takes a day up.

    Due and not registered, its end not known, or failed within the days that DMM matches.
    """
    if state == State.FAILED:
        return age_days <= MATCHED_DAYS
    return state == State.REGISTERED or (state == State.UPLOADED and is_due)


def can_be_given_up(state: State | None, *, is_named_alone: bool) -> bool:
    """Whether --skip gives a day up: one without a file, or whose ingestion failed.

    is_named_alone: by --date; such a day may also be one that waits for DMM.
    """
    if state in (None, State.GENERATED, State.SCORED, State.FAILED):
        return True
    return is_named_alone and state in (State.UPLOADED, State.REGISTERED)


def _rerun_step(facts: DayFacts) -> Step | Refusal:
    if facts.state in ACCEPTED_STATES:
        return Refusal.ACCEPTED_BY_DMM
    if facts.object_at_key is ObjectAtKey.FOREIGN:
        return Refusal.FOREIGN_OBJECT
    # Whether DMM has ingested it is known only where it was stored.
    if facts.object_at_key is ObjectAtKey.OF_ANOTHER_RUN:
        return Refusal.NOT_STORED_HERE
    return Step.GENERATE


def _unknown_day_step(object_at_key: ObjectAtKey) -> Step | Refusal:
    if object_at_key is ObjectAtKey.FOREIGN:
        return Refusal.FOREIGN_OBJECT
    return Step.DONE if object_at_key is ObjectAtKey.OF_ANOTHER_RUN else Step.GENERATE


def _half_scored_step(facts: DayFacts) -> Step | Refusal:
    if not facts.changed_inputs:
        return Step.SCORE
    # Without an answer (a mistyped address, say) nothing is lost: the day starts over.
    return Refusal.INPUTS_CHANGED if facts.has_answers else Step.GENERATE
