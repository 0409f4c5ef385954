"""What the bot says, as Block Kit: values in, JSON out."""
