"""``suggest``: rules worth adding to an ignore file, each proven by a build."""
