"""The texts of the instrument, as data, and how they become prompts."""
