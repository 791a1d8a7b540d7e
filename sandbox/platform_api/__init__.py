"""The platform's own API: TrainingSets, custom metrics and alerts, version (contracts 2, 8, 9).

service         addresses, credentials, and the failures of TrainingSets by switch
training_sets   sets and their versions, as the vendor's client calls them
metrics         custom metrics and alerts
"""
