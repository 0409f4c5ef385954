"""Slack: the channel that alerts are sent to, and the self-test of the Socket Mode connection."""
