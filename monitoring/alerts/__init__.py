"""Where a day's alerts go. Best effort: no channel can fail the job or delay it past its limit.

Addresses of webhook and ping are secrets: no message holds one.

delivery      the table of channels; sends each what is new to it
channel       what a channel is, and what it gets
webhook       one text with every alert
domino        the day's metrics, and the alerts that have a number
memory        when each alert was sent to each channel: alerts.json
healthchecks  tells a watchdog that the job starts, and how it ended
text          the lines of a day's alerts, and the verdict on the day
transport     one request within its time limit, its failures named without addresses
"""
