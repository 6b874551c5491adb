"""The JSON API, `/api/v1`: services, connections, calls, people, keys and activity. Nothing here decides."""
