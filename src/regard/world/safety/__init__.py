"""Safety below the planner: limits, the guard, the watchdog."""
