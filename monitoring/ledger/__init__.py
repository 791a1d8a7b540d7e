"""What is known of the days, in files that a person can read and nobody else can (0700/0600).

workspace  every path of state and reports
manifest   what is known of one day, as its manifest.json
answer     what came of one row
journal    the answers of a day, appended line by line
lock       one run at a time for a day
entry      one day: its manifest, and the changes to it
days       questions about many days
pruned     the days whose files were removed
pruning    removing old days
plan       what a day still needs: the one place that decides
"""
