"""Databricks over a real wire: every way in which it can go wrong, and how long that takes."""
