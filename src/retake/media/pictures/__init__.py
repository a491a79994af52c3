"""What replaces pictures: the plan of packets, their encoders, splices codec by codec."""
