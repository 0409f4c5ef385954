"""Slack's side: what people type and press, and what they see for it."""
