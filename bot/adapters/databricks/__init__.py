"""Databricks: the warehouse over its own connector, with login, sessions and their pool."""
