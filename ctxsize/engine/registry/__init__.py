"""Images in a registry, read without an engine: what a pull would fetch, and their layers as streams."""
