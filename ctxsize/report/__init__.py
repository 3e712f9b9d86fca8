"""Results as text: a folder per result and in it a file per format; ``formats`` lists them all.

A format reads a result and knows nothing of how it was measured.
"""
