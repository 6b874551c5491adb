"""Our own authorization server over HTTP: the endpoints that clients call, and the pages on which people decide."""
