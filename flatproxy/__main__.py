"""`python -m flatproxy`: the command line where the `flatproxy` script is not on the path."""

from flatproxy.cli import main

if __name__ == "__main__":
    main()
