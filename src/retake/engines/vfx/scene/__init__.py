"""What is seen in the shot: how the camera moves, where people stand, where the ground is."""
