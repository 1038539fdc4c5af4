"""`regard bench`: how fast the engine or a server is."""
