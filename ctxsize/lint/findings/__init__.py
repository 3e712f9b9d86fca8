"""The findings: one function each, by groups, and the list of them."""
