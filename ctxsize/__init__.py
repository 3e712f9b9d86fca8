"""ctxsize: what a .dockerignore saves, measured by building with and without it."""

__version__ = "0.1.0"
