"""The local Slack: Web API, Socket Mode and a page to look at them."""
