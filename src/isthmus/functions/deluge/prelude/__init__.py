"""Every built-in of Deluge, by type: modules that run inside the sandbox, not in this process.

They are written in the Python that the sandbox has: classes without inheritance, properties or generators. `library`
takes from them what a program needs. A built-in is the function `f_` and its name in lower case; what else has a name
without underscore is for the compiled code. None imports what imports it.

What goes wrong is raised as ValueError with words for the script's author, who can catch it.
"""
