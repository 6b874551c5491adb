"""What a Python function finds in its sandbox besides the language: calls to the world, `info`, `File`.

These modules run inside the sandbox; `library` takes them there. All their names but the documented ones begin with an
underscore, because a function's own names live beside them.
"""
