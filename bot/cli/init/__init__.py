"""`sync-health init`: from nothing to a pipeline folder that works."""
