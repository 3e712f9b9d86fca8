"""`image A B`: what one image has more or less than another, step by step, directory by directory, file by file."""
