"""`make check-docs`: what README and docs say is what the code has, and the other way round.

pages      the pages: their headings, links, code blocks and the marks before these
links      every link leads somewhere, anchors included
flags      every flag of the scripts is in the docs, every flag in the docs exists
settings   every setting with its range and default, every environment variable
tables     exit codes, metrics, switches of the sandbox
commands   every command of a page runs against the sandbox and prints what is shown
scratch    a copy of the working tree, where commands can do no harm
shell      one shell for the commands of a page
"""
