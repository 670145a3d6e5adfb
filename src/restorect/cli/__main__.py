"""Where the `restorect` command and `python -m restorect.cli` begin."""

import os
import signal
import sys


def main() -> None:
    """Run the command."""
    # While the commands load there is nothing to put in order: Ctrl-C ends the process at once, without a traceback.
    # Where the shell has the signal ignored, as for background jobs, it stays so.
    listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if listening:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # typer reads options by pydantic, which would look for plugins in all packages that are installed, at each start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        from restorect.cli.guard import guarded
        from restorect.cli.streams import prepare

        prepare()
    except (OSError, MemoryError) as error:  # too few files or too little memory even for what would tell it well
        os.write(2, f"restorect: cannot start: {error}\n".encode())
        sys.exit(2)

    def run() -> None:
        from restorect.cli.collector import resting

        with resting():
            from restorect.cli.main import main as command

        if listening:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        command()

    sys.exit(guarded(run))


def edit() -> None:
    """`restorect-edit FILE...`: `restorect edit` for programs that call another one with nothing but paths."""
    sys.argv.insert(1, "edit")
    main()


if __name__ == "__main__":
    main()
