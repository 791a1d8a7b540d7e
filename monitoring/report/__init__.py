"""What a person or a program reads of a day: record, history and pages, all made from records.

metrics    the one table of metrics: history.csv, pages, Domino's metrics and docs go by it
rows       its lines about classes, variables, alerts and other texts
report     writes all of a day
history    history.csv: the metrics of every day
result     the JSON object of a day that --json prints

page       a day's page; figures: its metrics beside their limits; charts: its distributions
around     the links and the file's state on a day's page, which change afterwards
past       a day as history.csv has it, and its verdict
calendar   every day from the first to the last: history and ledger together
todo       what there is to do about them, with the commands
trends     the geometry of metrics over time; strips: that of drift
overview   the page of all days
refresh    brings pages up to the ledger
rendering  a template to a page; templates/: HTML and CSS
"""
