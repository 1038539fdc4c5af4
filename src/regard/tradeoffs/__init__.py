"""What would the model trade? The points game as an instrument; it certifies nothing.

It measures how a model's choices respond to stipulated states, and is evidence neither for nor
against feeling, nor of safety.
"""
