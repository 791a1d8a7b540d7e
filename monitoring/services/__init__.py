"""What the scripts talk to: one client object for each outside service, and what they share.

http           one request: time limits, no redirects, bounded bodies   (exchange: what is asked
               and answered)
deadline       a time limit for a whole answer, however slowly it comes
server_text    what servers say, made fit for logs, files and terminals
retry          the one way to try again
s3             objects: read, list, one conditional put; around it s3_connection, s3_call (tries and
               limits of time), s3_deadline, s3_errors, s3_stored (what a store says of an object),
               s3_body (its bytes), s3_memory (what a store can do), s3_probe (for --check)
model_api      the model's endpoint                           (model_reply: what its answers mean)
dmm            Domino Model Monitor; around it dmm_registration, dmm_jobs (a file's ingestion),
               dmm_replies, dmm_diagnosis (what its refusals mean), dmm_memory (what worked)
training_sets  the vendor's TrainingSet client, in a child process; training_sets_rows: what it gets
"""
