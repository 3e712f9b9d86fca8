"""Where BuildKit is reached: one module for each driver of buildx, and buildx's list of builders.

Each driver gives a ``Dial``: a call that opens a connection to BuildKit's API, as a non-blocking socket and
what already arrived on it.
"""
