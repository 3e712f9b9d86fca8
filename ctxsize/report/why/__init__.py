"""Reports of ``ctxsize why``: a module per format, each turning answers into pieces of text as they come."""
