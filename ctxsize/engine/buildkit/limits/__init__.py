"""What an engine may say, how much, and for how long."""
