"""A third party in the box: OAuth 2, OAuth 1.0a, Basic and API key, a small REST API, and dials for bad behaviour.

What it checks it checks with its own code, written from the specifications and independently of `protocols`, so
that the two can be wrong in different ways. Keeps everything in memory. Not for anything but practice and tests.
"""

from isthmus.practice.services import definitions, sample_values

__all__ = ["definitions", "sample_values"]
