"""Where the `restorect` command and `python -m restorect.cli` begin."""

import signal


def main() -> None:
    """Run the command."""
    # While the commands load there is nothing to put in order: Ctrl-C ends the process at once, without a traceback.
    # Where the shell has the signal ignored, as for background jobs, it stays so.
    listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if listening:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from restorect.cli.main import main as run

    if listening:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
