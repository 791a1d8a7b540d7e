"""What a day still needs: the whole table."""

import itertools
from typing import Any

import pytest

from monitoring.ledger.manifest import State
from monitoring.ledger.plan import (
    DayFacts,
    ObjectAtKey,
    Refusal,
    RegistrationStep,
    Step,
    can_be_given_up,
    is_pending,
    registration_step,
    scoring_step,
)

ABSENT, FOREIGN = ObjectAtKey.ABSENT, ObjectAtKey.FOREIGN
OF_THIS_RUN, OF_ANOTHER_RUN = ObjectAtKey.OF_THIS_RUN, ObjectAtKey.OF_ANOTHER_RUN
HERE: Any = {"was_generated_here": True}
CHANGED: Any = {"changed_inputs": ("seed: 0 then, 1 now",)}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # Nothing is known here: the object decides.
        (DayFacts(), Step.GENERATE),
        (DayFacts(object_at_key=ABSENT), Step.GENERATE),
        (DayFacts(object_at_key=OF_ANOTHER_RUN), Step.DONE),
        (DayFacts(object_at_key=FOREIGN), Refusal.FOREIGN_OBJECT),
        # Begun here.
        (DayFacts(State.GENERATED, **HERE), Step.SCORE),
        (DayFacts(State.GENERATED, **HERE, has_answers=True), Step.SCORE),
        (DayFacts(State.GENERATED, **HERE, **CHANGED), Step.GENERATE),
        (DayFacts(State.GENERATED, **HERE, **CHANGED, has_answers=True), Refusal.INPUTS_CHANGED),
        (DayFacts(State.GENERATED), Step.GENERATE),
        (DayFacts(State.GENERATED, OF_THIS_RUN, **HERE, has_answers=True), Step.REPORT),
        (DayFacts(State.GENERATED, OF_ANOTHER_RUN, **HERE), Refusal.DONE_ELSEWHERE),
        (DayFacts(State.GENERATED, FOREIGN, **HERE), Refusal.FOREIGN_OBJECT),
        # Scored.
        (DayFacts(State.SCORED, **HERE), Step.SCORE),
        (DayFacts(State.SCORED, **HERE, **CHANGED), Step.UPLOAD),
        (DayFacts(State.SCORED, **HERE, **CHANGED, schema_changed=True), Refusal.INPUTS_CHANGED),
        (DayFacts(State.SCORED, ABSENT, **HERE), Step.SCORE),
        (DayFacts(State.SCORED, OF_THIS_RUN, **HERE), Step.REPORT),
        (DayFacts(State.SCORED, OF_THIS_RUN, **HERE, **CHANGED), Step.REPORT),
        (DayFacts(State.SCORED, OF_ANOTHER_RUN, **HERE), Refusal.DONE_ELSEWHERE),
        (DayFacts(State.SCORED, FOREIGN, **HERE), Refusal.FOREIGN_OBJECT),
        # Uploaded.
        (DayFacts(State.UPLOADED, **HERE), Step.REPORT),
        (DayFacts(State.UPLOADED, **HERE, **CHANGED), Step.REPORT),
        (DayFacts(State.UPLOADED, **HERE, **CHANGED, schema_changed=True), Refusal.INPUTS_CHANGED),
        (DayFacts(State.UPLOADED, **HERE, has_report=True), Step.DONE),
        (DayFacts(State.UPLOADED), Step.DONE),
        # Accepted by DMM.
        (DayFacts(State.REGISTERED, **HERE), Step.DONE),
        (DayFacts(State.INGESTED, **HERE, has_report=True), Step.DONE),
        (DayFacts(State.FAILED), Step.DONE),
        # --rerun.
        (DayFacts(rerun=True), Step.GENERATE),
        (DayFacts(rerun=True, object_at_key=ABSENT), Step.GENERATE),
        (DayFacts(rerun=True, object_at_key=FOREIGN), Refusal.FOREIGN_OBJECT),
        (DayFacts(rerun=True, object_at_key=OF_ANOTHER_RUN), Refusal.NOT_STORED_HERE),
        (DayFacts(State.UPLOADED, OF_THIS_RUN, **HERE, rerun=True), Step.GENERATE),
        (DayFacts(State.SCORED, OF_THIS_RUN, **HERE, rerun=True), Step.GENERATE),
        (DayFacts(State.UPLOADED, OF_ANOTHER_RUN, rerun=True), Refusal.NOT_STORED_HERE),
        (DayFacts(State.UPLOADED, FOREIGN, **HERE, rerun=True), Refusal.FOREIGN_OBJECT),
        (DayFacts(State.INGESTED, OF_THIS_RUN, rerun=True), Refusal.ACCEPTED_BY_DMM),
        (DayFacts(State.GENERATED, **HERE, rerun=True, has_answers=True), Step.GENERATE),
        (DayFacts(State.SCORED, **HERE, rerun=True), Step.GENERATE),
        (DayFacts(State.UPLOADED, **HERE, rerun=True, has_report=True), Step.GENERATE),
        (DayFacts(State.REGISTERED, **HERE, rerun=True), Refusal.ACCEPTED_BY_DMM),
        (DayFacts(State.INGESTED, rerun=True), Refusal.ACCEPTED_BY_DMM),
        (DayFacts(State.FAILED, rerun=True), Refusal.ACCEPTED_BY_DMM),
    ],
)
def test_the_next_step_of_a_day_follows_from_what_is_known(
    facts: DayFacts, expected: Step | Refusal
) -> None:
    assert scoring_step(facts) is expected


@pytest.mark.parametrize(
    ("state", "expected", "expected_again"),
    [
        (None, RegistrationStep.REGISTER, Refusal.NOT_FAILED),
        (State.GENERATED, RegistrationStep.REGISTER, Refusal.NOT_FAILED),
        (State.SCORED, RegistrationStep.REGISTER, Refusal.NOT_FAILED),
        (State.UPLOADED, RegistrationStep.REGISTER, Refusal.NOT_FAILED),
        (State.REGISTERED, RegistrationStep.FOLLOW, Refusal.NOT_FAILED),
        (State.INGESTED, RegistrationStep.FOLLOW, Refusal.NOT_FAILED),
        (State.FAILED, RegistrationStep.FOLLOW, RegistrationStep.REGISTER_AGAIN),
    ],
)
def test_the_next_step_of_registration_follows_from_the_state(
    state: State | None,
    expected: RegistrationStep,
    expected_again: RegistrationStep | Refusal,
) -> None:
    assert registration_step(state, is_due=True) is expected
    assert registration_step(state, is_due=True, again=True) is expected_again
    assert registration_step(state, is_due=False) is RegistrationStep.WAIT_FOR_OUTCOMES


def test_pending_are_due_uploads_what_dmm_has_not_ended_and_what_failed_lately() -> None:
    pending = {
        (state, is_due, age_days)
        for state, is_due, age_days in itertools.product(State, [True, False], [90, 91])
        if is_pending(state, is_due=is_due, age_days=age_days)
    }
    assert pending == {
        *((State.UPLOADED, True, age_days) for age_days in (90, 91)),
        *((State.REGISTERED, *rest) for rest in itertools.product([True, False], [90, 91])),
        (State.FAILED, True, 90),
        (State.FAILED, False, 90),
    }


def test_days_without_a_file_and_failed_ones_can_be_given_up_and_waiting_ones_alone() -> None:
    without_file = {None, State.GENERATED, State.SCORED, State.FAILED}
    states: list[State | None] = [None, *State]

    in_range = {state for state in states if can_be_given_up(state, is_named_alone=False)}
    alone = {state for state in states if can_be_given_up(state, is_named_alone=True)}

    assert in_range == without_file
    assert alone == without_file | {State.UPLOADED, State.REGISTERED}
