"""The plain colours that objects come in."""

from types import MappingProxyType

COLOURS = MappingProxyType(
    {
        "red": (0.74, 0.22, 0.18, 1.0),
        "orange": (0.88, 0.52, 0.20, 1.0),
        "yellow": (0.92, 0.77, 0.32, 1.0),
        "green": (0.38, 0.58, 0.36, 1.0),
        "teal": (0.22, 0.52, 0.54, 1.0),
        "blue": (0.25, 0.42, 0.66, 1.0),
        "purple": (0.50, 0.38, 0.60, 1.0),
        "pink": (0.86, 0.56, 0.58, 1.0),
        "white": (0.93, 0.91, 0.87, 1.0),
        "grey": (0.62, 0.63, 0.64, 1.0),
        "black": (0.16, 0.16, 0.18, 1.0),
        "brown": (0.52, 0.36, 0.25, 1.0),
        "steel": (0.74, 0.76, 0.78, 1.0),
    }
)
"""Red, green, blue and opacity, by name."""
