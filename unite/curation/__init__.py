"""Raw rows to shards. The built-in world, generated on the spot, is in `unite.worlds.emoji`."""
