"""Edge: HTTP in, HTTP out. The only package that knows the web framework, templates, status codes and cookies.

It parses, asks a use case, and shapes the answer; it decides nothing. Refuses to know SQL, sealing, wire formats of
third parties and the outbound client: an edge that could reach a secret would one day print it.
"""
