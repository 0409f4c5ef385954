"""The local Census: syncs that run, fail and are paused, and its Management API."""
