"""What the three scripts share towards a person or a scheduler.

arguments  flags, and the days that they name
output     logs, the result, progress; secrets redacted
main       from the flags to the exit code: errors, signals, --check
days       working on several days
giving_up  --skip
pruning    --prune
preflight  --check: trying whatever a run needs (its checks: preflight_checks)
"""
