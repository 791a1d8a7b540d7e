"""Domino Model Monitor, version 2 of its API (contracts 3 to 5).

service        addresses, the API key, and the shape of refusals
body_shapes    the shapes of request bodies, and the checks that registrations share
models         monitored models and their data source
ground_truth   registering ground truth files with a model
jobs           listing the jobs that read those files, and running those that are due
ingestion      reading a file from the object store and joining it to the captured predictions
"""
