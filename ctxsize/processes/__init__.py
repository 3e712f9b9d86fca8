"""Work on several items at the same time, each in a process of its own."""
