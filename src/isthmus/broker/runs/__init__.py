"""Runs that outlive their process: a queue in the database, and a journal of what each run asked and was answered.

Knows neither the sandbox nor HTTP: a run is driven by `functions.engine`, its calls are made by `functions.host`.
"""
