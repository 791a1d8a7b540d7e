"""What a person or a program reads of a day: record, history and page, all made from records.

metrics    the one table of metrics: history.csv, page, Domino's metrics and docs go by it
report     writes all three
history    history.csv: the metrics of every day
page       the day's page
charts     the geometry of its bars and lines
templates/ its HTML
result     the JSON object of a day that --json prints
"""
