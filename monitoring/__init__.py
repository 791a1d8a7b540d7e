"""What the three scripts share (docs/architecture.md): a package for each responsibility.

cli            flags, logs, exit codes, --check
alerts         where a day's alerts go
report         the table of metrics, history, pages
checks         a day compared with the baseline and with the days before
training_set   what a version of the TrainingSet holds
scoring        a day from its plan to its last answer
ground_truth   the CSV: written, uploaded, validated, registered, followed
batch          the day's synthetic rows
ledger         what is known of the days
dataset        the training data, and the counts of the baseline
services       one client object for each outside service
settings       config.yaml and .env
statistics     pure functions of arrays
interpreter    what to run where Python is too old, or lacks the packages
"""

import sys

from monitoring import interpreter

__version__ = "1.0.0"

if tuple(sys.version_info) < (3, 11):
    # Before anything is imported that such a Python can't read.
    _version = ".".join(str(part) for part in sys.version_info[:3])
    interpreter.end(f"Python 3.11 or newer is needed, this is {_version} ({sys.executable})")
