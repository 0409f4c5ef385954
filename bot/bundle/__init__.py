"""Databricks as code: an alert, a dashboard and jobs, rendered as a bundle that the Databricks CLI deploys."""
