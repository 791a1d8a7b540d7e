"""The deployed model behind its HTTP endpoint (contracts 6, 7).

service   addresses, the token, and the replies that are odd by switch
call      the arguments of a prediction call
predict   the function's result, and the reply around it
model     the model itself, fitted to the sample data
own_model a user's own model in its place
faults    which rows fail or are slow, and how
capture   the records of predictions
later     asynchronous predictions
"""
