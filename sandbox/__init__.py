"""Domino and S3 on one machine: a model endpoint, Model Monitor, TrainingSets and an object store, on loopback only.

Written from the wire facts alone ("contracts" in the comments; what they leave open is a switch) and independent of the
clients that talk to it: nothing here imports `monitoring`. docs/sandbox.md says how to use it. The modules:

__main__        the command line: foreground, `run`, `env`
attach          finds or starts the server of a state folder, and keeps it alive while somebody uses it
server          one HTTP server: puts the parts together, records every request, ends with its last user
wire, switches  what requests and replies are; what is unverified about Domino, and what can go wrong, as settings
store           what outlives a restart: ids and keys, and the records, in SQLite
model_endpoint, model_monitor, platform_api     the three services of Domino, each with ROUTES, guard and render
object_store    SeaweedFS as a child process
"""
