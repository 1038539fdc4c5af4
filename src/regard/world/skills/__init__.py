"""Skills: what the arm can do, each with its preconditions, effects and failures."""
