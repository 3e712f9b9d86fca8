"""`image A B`: what one image has more or less than another, by step, by directory, by file."""
