"""Domino and S3 on one machine: a model endpoint, Model Monitor, TrainingSets and an object store.

Everything listens on loopback only. Written from the wire facts alone (comments cite the paragraph
of docs/domino-contracts.md; what it leaves open is a switch) and independent of the clients that
talk to it: nothing here imports `monitoring`. docs/sandbox.md says how to use it.

The commands, and the process behind them:

__main__         the command line: foreground, `run`, `env`
attach           finds or starts the server of a state folder, and keeps it alive while it is used
variables        what a user of the real services would set in the environment
process          the server process: starts the parts, ends with its last user
object_store     a real S3 server as a child process (seaweedfs: its program and its flags)

Answering requests:

server           HTTP: reads requests, records them, writes replies
routing          what a service is, and which one answers a request
wire, shapes     requests, replies and refusals; the shapes of JSON bodies
switches         what is unverified about Domino, and what can go wrong, as settings
state            what the services share: identity (ids and keys), store (SQLite), switches

The services:

model_endpoint   the deployed model, its faults, and prediction capture
model_monitor    Domino Model Monitor: models, ground truth, and the jobs that read it
platform_api     TrainingSets, custom metrics and alerts
control          the sandbox's own addresses, and its page
"""
