"""The languages of custom functions and the sandbox they run in.

Knows nothing of connections, HTTP or the database: what a function wants from the world it asks of `host`, and the
embedder answers.
"""
