"""The ground truth file: one CSV a day, from the scored rows to its ingestion by DMM.

file       the CSV itself
objects    whose object is at a day's key
upload     the file to S3, once
validate   reading a file to its end and saying all that is wrong with it
coverage   how far a file's ids cover the rows that were scored here
register   checking a file and registering it with DMM
follow     what became of registered files
status     what the ledger, DMM and the store say of each day
"""
