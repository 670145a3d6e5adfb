"""`restorect web`: the page in a browser, served by this machine."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from restorect.cli import restore_options as o
from restorect.cli.library_warnings import hush
from restorect.errors import ConfigError

_NEEDED = ("fastapi", "uvicorn")


def web(
    photos: Annotated[
        list[str] | None, typer.Argument(metavar="[PHOTO...]", help="Files, folders, globs.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="OUT", help="Also write what is restored to this folder.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The next free one is taken; 0 for any.")] = 8765,
    host: Annotated[str, typer.Option(help="Listen there; others than 127.0.0.1 open the page to other machines.")] = (
        "127.0.0.1"
    ),
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")] = True,
    root_path: Annotated[
        str, typer.Option(metavar="PATH", help="Where a proxy has put the page, such as /photos.")
    ] = "",
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the queue for the next start; else it is deleted.")
    ] = False,
    device: o.Device = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of one operation.")] = None,
) -> None:
    """Restore photographs on a page in the browser, for example: restorect web holiday.

    Everything stays on this machine: the page needs no internet, and its address holds a token that lets only you in.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"restorect web needs {' and '.join(missing)}; install them with: pip install 'restorect[web]'"
        )
    from restorect.infer.batch import find_sources
    from restorect.web.messages import Setup
    from restorect.web.serve import ServerOptions, serve

    hush()
    apart_from = () if out is None else (str(out.resolve()),)
    found = find_sources(photos or [], recursive=True, apart_from=apart_from)
    for failure in found.failures:
        typer.echo(f"failed: {failure}", err=True)
    setup = Setup(out=out, device=device, threads=threads)
    options = ServerOptions(
        host=host, port=port, browser=browser, root_path=root_path.rstrip("/"), setup=setup, keep=keep
    )
    serve(found.sources, options, lambda line: typer.echo(f"restorect: {line}", err=True))
