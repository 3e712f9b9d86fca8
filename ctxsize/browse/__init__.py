"""``ctxsize browse``: a tree by size in the terminal, beside a draft of its ignore file."""
