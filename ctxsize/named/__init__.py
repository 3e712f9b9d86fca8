"""Named contexts of a build: what ``--build-context`` and Compose's ``additional_contexts`` name."""
