"""The engine `ltx`: LTX-2 makes the section's pictures and sound anew, on a GPU."""
