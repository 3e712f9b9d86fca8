"""Two variants measured and compared: bytes and seconds attributed to ignored paths and rules."""
