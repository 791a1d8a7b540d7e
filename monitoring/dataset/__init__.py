"""The rows that the model was trained on: their columns, how they are read, what they look like.

schema           features, groups, target, ids; the request body of a row
training_file    the training data as a file on disk, fetched and hashed when first asked for
table_file       reading a CSV or Parquet file column by column and chunk by chunk
csv_table        the rows of a CSV
parquet_table    the rows of a Parquet file, or of a folder of them
encoded          a column as its different values, and which of them each row has
values           from a raw column to numbers, indicators, classes, ids
training_data    the training data as the features of the schema, chunk by chunk
kept_rows        what was read, kept for the next run
kept_baseline    what was counted, kept for the next run
sample           an even sample of each class, in one pass
baseline         counts by class, level and bin: what the days are compared with; their file
cells            how the values of a numerical feature are cut
counting         making such counts of any rows
"""
