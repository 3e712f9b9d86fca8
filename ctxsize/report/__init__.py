"""Results as text: one module per format, each taking a result and returning a string.

Nothing is imported here: what `context` shows must not wait for what only `compare` needs.
"""
