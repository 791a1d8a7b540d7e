"""The sandbox's own addresses, none of which is recorded.

service   requests, switches, records
page      what runs and what was asked for, for people
"""
