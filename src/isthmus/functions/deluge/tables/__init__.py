"""The built-ins by the type that they work on: data, in the notation of `entries.entry`."""
