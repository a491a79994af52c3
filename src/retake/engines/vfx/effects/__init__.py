"""The effects, one file each: every one makes a Layer from a Cue and a Scene."""
