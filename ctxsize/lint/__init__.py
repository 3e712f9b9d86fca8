"""``ctxsize lint``: what is wrong with an ignore file, what it costs, and how to mend it, without an
engine."""
