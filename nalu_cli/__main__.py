"""`python -m nalu_cli` is `nalu`."""

from nalu_cli.commands.app import main

if __name__ == "__main__":
    main()
