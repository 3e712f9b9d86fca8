"""A project built with and without its ignore file, and what each ignored path and rule saves."""
