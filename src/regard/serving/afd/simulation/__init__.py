"""A discrete-event simulation of the AFD pipeline: step times before there are machines."""
