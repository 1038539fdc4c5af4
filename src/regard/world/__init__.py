"""One simulated world: table, person, household objects, and an arm that really does things."""
