"""``python -m ctxsize``."""

from ctxsize.cli import main

if __name__ == "__main__":
    main()
