"""A day's scoring, from its plan to its last answer.

prepare   what is known of the day, what it still needs, and its batch
workers   threads that send rows and record every answer
run       scoring the rows that have no final answer
preview   what a dry run would send
"""
