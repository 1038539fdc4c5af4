"""Motion: poses, inverse kinematics under limits, paths."""
