"""Census: the client, and its answers as documents that are verified when they are read."""
