"""config.yaml and .env: what settings there are, what their values must be, and reading them.

model          every section and key, with rule and default (docs/configuration.md)
rules          what a value must be, in words and as a test
loader         config.yaml to Settings, every problem in one message
yaml_source    the file as read: lines of keys, variables, what may be shown
consistency    what no single key shows: names that must agree, tokens over plain http
"""
