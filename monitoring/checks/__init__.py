"""What a day's batch and its answers say of endpoint, model, features and pipeline.

record        the day's record, typed and versioned: one part for each family of checks
alert         a limit that the day is beyond
evaluate      a day's record from what is known of the day: the families, one after the other

Families of checks, each a function from its inputs to its part of the record and its alerts:

endpoint      availability, latency, releases
model         both of the model's:
  performance   how right it is: metrics with intervals, label coverage
  model_drift   score, predicted class and accuracy against the first days of its release
repeats       same input, same answer: under one release
balance       the classes of the batch against those requested
quality       missing, wrong, unseen and outlying values
drift         each feature against the baseline
importance    which features the prediction follows (no alerts)
pipeline      days missing, days not ingested, storage

What they share:

gather        reads what a record follows from; part of it while the workers wait
inputs        everything a record follows from, and what several families need of it
counts        rows of a day by class and cell, to be summed over days
answered_rows which inputs got which answers, also of the earlier days in state
history       the earlier days' records, and those of a window
budget        how the false alarms of a day are shared out among the checks
reference     the first days of a release, which score and class are compared with
groups        groups of indicators as one variable
shift_tester  one variable's test for the day and for the window
summary       what is shown of a feature beside its test
limits        limits, kept in a file
conditions    which alerts are new, ongoing or over
advice        none, look or retrain, and why
wording       sentences that several families write

thresholds    what is worth entering in DMM as a feature's limit
"""
