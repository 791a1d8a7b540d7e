"""The sandbox's own addresses, none of which is recorded.

service   requests, switches, records
buttons   the faults that the page has a button for
page      what was captured, registered and asked for, for people; page.html: its template
"""
