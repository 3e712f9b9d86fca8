"""`image`: where the bytes of an image are, which line put them there, and what of them is wasted."""
