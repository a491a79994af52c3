"""Writing a whole file from streams, some of them copied, some spliced, some encoded anew."""
