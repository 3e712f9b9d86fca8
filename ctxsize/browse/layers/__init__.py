"""Browsing an image: what its layers store, by size, and what of that is wasted and why."""
