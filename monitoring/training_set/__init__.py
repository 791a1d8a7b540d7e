"""A version of the TrainingSet: what it holds, what is wrong with it, what changed since the last.

content           the rows of a version, their hash, and what is noted of them
description       what each column is to DMM; the notes that a user adds
lint              what makes a version useless, and what one should know before it is created
versions          the versions that there are: one with the same content, one that is pending
version_baseline  the counts of a version: read back, or pinned for the days to come
difference        how the rows differ from the version before
creation          the steps of creating a version that decide something
result            what is known of a run, as its JSON object
proposal          what the columns of a table look like, and the features they could be
proposal_source   where that table is
proposal_text     the proposal as a section of config.yaml
text              all of this for people
"""
