"""Edge: the `isthmus` command. Parses words, calls the application, prints, and gives an exit code.

Acts as the operator, who has the data directory or database URL in hand. Refuses to know how anything is done.
"""

from isthmus.cli.commands import main

__all__ = ["main"]
