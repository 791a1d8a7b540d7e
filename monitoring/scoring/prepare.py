"""What is known of a day, what it still needs, and its batch: read back, or made and kept."""

import logging
import uuid
from dataclasses import dataclass, replace

from monitoring.batch import batch as batches
from monitoring.batch import generate
from monitoring.batch.batch import Batch
from monitoring.batch.inputs import batch_inputs, changed_inputs
from monitoring.dataset.schema import schema_hash
from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import ConfigError, RefusedError
from monitoring.files import write_atomically
from monitoring.ground_truth import objects
from monitoring.ledger import journal, plan
from monitoring.ledger.entry import DayEntry
from monitoring.ledger.manifest import State
from monitoring.ledger.plan import DayFacts, Refusal, Step
from monitoring.scoring.recover import note_stored_file
from monitoring.services.s3 import Store
from monitoring.services.s3_stored import StoredObject
from monitoring.settings.model import Settings

log = logging.getLogger("monitoring")


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """What the command line asks for.

    rows: their number, None for the day's own. dry_run: nothing is sent or written.
    """

    rows: int | None = None
    rerun: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class PreparedDay:
    """What a day needs next, and its batch; a day that is done has none."""

    step: Step
    batch: Batch | None = None


def prepare(
    settings: Settings,
    entry: DayEntry,
    store: Store,
    data: TrainingFile,
    options: ScoringOptions,
) -> PreparedDay:
    """Find out what a day needs next, and load or make its batch.

    A new batch is kept, with its manifest, unless it is a dry run; from then on a rerun reads it
    back. Raises RefusedError where the day must not be worked on, ConfigError where it has another
    number of rows than asked for.
    """
    entry.take_up_again(dry_run=options.dry_run)
    existing, uri = None, settings.ground_truth_uri(entry.day)
    if plan.looks_at_object(entry.state, rerun=options.rerun):
        existing = objects.existing_object(store, uri, entry.day)

    facts = _facts(settings, entry, existing, options, data)
    step = plan.scoring_step(facts)
    if step is Refusal.DONE_ELSEWHERE and existing:
        raise objects.close_as_done_elsewhere(entry, uri, existing, dry_run=options.dry_run)
    if isinstance(step, Refusal):
        raise _refusal_error(settings, entry, step, facts, existing)

    if step is Step.GENERATE:
        return PreparedDay(step, _new_batch(settings, entry, existing, options, data))

    if entry.manifest is None and existing:
        objects.adopt(entry, uri, existing, dry_run=options.dry_run)
    known = entry.known
    if known.rows is not None and options.rows not in (None, known.rows):
        raise ConfigError(
            f"--rows: got {options.rows}, but {entry.day} has {known.rows} rows: leave it out, or"
            " add --rerun"
        )
    if step is Step.DONE:
        return PreparedDay(step)
    path = entry.workspace.batch(entry.day)
    batch = batches.read(path, settings.schema, known.batch_sha256, known.drills)
    if step is Step.REPORT and known.state != State.UPLOADED and existing and not options.dry_run:
        note_stored_file(settings, entry, store, existing, batch)
    return PreparedDay(step, batch)


def _new_batch(
    settings: Settings,
    entry: DayEntry,
    existing: StoredObject | None,
    options: ScoringOptions,
    data: TrainingFile,
) -> Batch:
    if options.rerun:
        _announce_rerun(entry, existing)
    batch = generate.generate(settings, data, entry.day, options.rows)
    if not options.dry_run:
        replaces = existing.etag if options.rerun and existing else None
        _keep(settings, entry, batch, data, replaces)
    return batch


# --- facts


def _facts(
    settings: Settings,
    entry: DayEntry,
    existing: StoredObject | None,
    options: ScoringOptions,
    data: TrainingFile,
) -> DayFacts:
    facts = DayFacts(object_at_key=objects.whose(entry, existing), rerun=options.rerun)
    if entry.manifest is None:
        return facts

    known = entry.manifest
    facts = replace(
        facts,
        state=known.state,
        was_generated_here=known.was_generated_here,
        has_report=known.report is not None,
    )
    if not plan.compares_inputs(facts):
        return facts
    inputs = batch_inputs(settings, entry.day, data.sha256, data.source_sha256)
    changed = tuple(changed_inputs(known.batch_inputs, inputs))
    return replace(
        facts,
        changed_inputs=changed,
        schema_changed=known.schema_hash != schema_hash(settings.schema),
        has_answers=bool(changed) and _has_final_answers(entry),
    )


def _has_final_answers(entry: DayEntry) -> bool:
    """Whether a row has an answer that stays; one that failed for now would be sent again."""
    known = entry.known
    path = entry.workspace.journal(entry.day)
    answers = journal.read_answers(path, known.batch_sha256 or "", known.rows or 0)
    return any(answer.is_final for answer in answers.values())


def _refusal_error(
    settings: Settings,
    entry: DayEntry,
    refusal: Refusal,
    facts: DayFacts,
    existing: StoredObject | None,
) -> RefusedError:
    uri = settings.ground_truth_uri(entry.day)
    if refusal is Refusal.ACCEPTED_BY_DMM:
        return RefusedError(
            f"{entry.day}: DMM has already accepted this day ({facts.state}): --rerun is not"
            " allowed"
        )
    if refusal is Refusal.FOREIGN_OBJECT and existing:
        return objects.foreign_object_error(entry, uri, existing)
    if refusal is Refusal.NOT_STORED_HERE:
        return RefusedError(
            f"{entry.day}: {uri} was stored by another run, and whether DMM has ingested it is not"
            f" known in {entry.workspace.state}: --rerun is refused: bring back the state folder of"
            f" that run, or remove the object yourself (aws s3 rm {uri}) and score the day without"
            " --rerun"
        )
    return RefusedError(
        f"{entry.day} is {facts.state} and would not continue as it began"
        f" ({'; '.join(facts.changed_inputs)}): set it back, or use --rerun to start again"
    )


# --- beginning a day


def _announce_rerun(entry: DayEntry, existing: StoredObject | None) -> None:
    log.warning("%s starts over: the endpoint captures its ids a second time", entry.day)
    if existing:
        metadata = dict(existing.metadata) or "no metadata"
        log.warning("to be replaced: ETag %s, %s", existing.etag, metadata)


def _keep(
    settings: Settings,
    entry: DayEntry,
    batch: Batch,
    data: TrainingFile,
    replaces_etag: str | None,
) -> None:
    """Store a new batch, then its manifest; what an earlier run left is archived.

    Only now, when nothing but the disk can fail any more: what is there stays the day's until
    something takes its place.
    """
    if entry.manifest:
        # An interrupted --rerun still has its object to replace.
        replaces_etag = replaces_etag or entry.manifest.replaces_etag
    if archived := entry.archive():
        log.info("the day's folder is kept as %s", archived)

    content = batches.to_csv(batch.frame, settings.schema, entry.day)
    write_atomically(entry.workspace.batch(entry.day), content)
    entry.update(
        state=State.GENERATED,
        rows=len(batch),
        batch_inputs=batch_inputs(settings, entry.day, data.sha256, data.source_sha256),
        drills=batch.drills,
        batch_sha256=batch.sha256,
        schema_hash=schema_hash(settings.schema),
        run_id=uuid.uuid4().hex,
        model_url=settings.model_api.url,
        replaces_etag=replaces_etag,
    )
