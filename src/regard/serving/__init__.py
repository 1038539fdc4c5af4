"""The language-model engine, its server and its tools."""
