"""Custom functions as objects: their versions, rights, arguments and runs, and the host that answers what a run asks.

Knows neither the languages nor the sandbox from inside: both come through `ports`.
"""
