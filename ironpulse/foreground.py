"""What every command shares: its log, how it says errors, and how it is asked to end."""

from __future__ import annotations

import functools
import logging
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec, TypeVar

import structlog
import typer
from pydantic import ValidationError

from fleet.errors import IronpulseError

P = ParamSpec("P")
R = TypeVar("R")


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C, SIGTERM and SIGHUP set, instead of killing the process midway."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    return stop


def configure_log() -> None:
    """Log to standard error: in colour for people at a terminal, JSON lines for everything else."""
    for_people = sys.stderr.isatty()
    renderer = (
        structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # asked for anew at each line: whoever redirects standard error gets what comes after
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def says_errors(command: Callable[P, R]) -> Callable[P, R]:
    """An error of ours becomes its sentence and exit code 1; a defect keeps its traceback."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        configure_log()
        try:
            return command(*args, **kwargs)
        except IronpulseError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
        except ValidationError as error:
            for fault in error.errors():
                place = ".".join(str(step) for step in fault["loc"])
                typer.echo(f"{error.title} {place}: {fault['msg']}", err=True)
            raise typer.Exit(1) from error

    return wrapped
