"""Use cases in the *authorization server* and *resource server* roles: who calls our own API, and may they.

People, API keys, sessions and the rate limit of wrong passwords. Refuses to know HTTP, templates and SQL, and
knows nothing of third-party services: those belong to the broker. Passwords are kept as Argon2id, keys and
session tokens as SHA-256 of 256 random bits; none of them can be read back.
"""
