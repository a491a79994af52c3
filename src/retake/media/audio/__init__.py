"""What replaces sound: tracks encoded anew, and splices codec by codec."""
