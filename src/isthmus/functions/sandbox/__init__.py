"""Runs compiled functions in worker processes that have no environment, no files and no network.

`Sandbox` is all that others use. It knows nothing of either language beyond where its built-ins lie.
"""

from isthmus.functions.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
