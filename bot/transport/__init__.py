"""How others are spoken to: bounded HTTP, Slack's Web API, Socket Mode."""
