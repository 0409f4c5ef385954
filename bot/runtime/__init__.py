"""The composition root, the running bot and the demo: the only readers of the clock."""
