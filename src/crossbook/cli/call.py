"""Call a command so that no user ever meets a traceback for something that he can mend."""

from __future__ import annotations

import errno
import os
import sys
from typing import NoReturn

import typer
from typer.exceptions import Abort, TyperException

from crossbook.errors import CrossbookError


def call(app: typer.Typer, name: str, arguments: list[str]) -> NoReturn:
    """Run a typer app; a `CrossbookError` becomes one line on standard error and exit code 2."""
    try:
        code = app(args=arguments, prog_name=name, standalone_mode=False)
        raise SystemExit(code if isinstance(code, int) else 0)
    except CrossbookError as error:
        fail(str(error))
    except TyperException as error:
        words = error.format_message()
        if "\n" in words:  # a group called without a command answers with its help
            sys.stderr.write(words + "\n")
            raise SystemExit(2) from None
        fail(f"{words} See `{name} --help`.")
    except Abort:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO):
            raise
        fail(f"{error.filename or 'disk'}: {error.strerror}; free or choose another place and run again")


def fail(message: str) -> NoReturn:
    """Say what is wrong on one line and leave with exit code 2."""
    print("crossbook: " + " ".join(message.split()), file=sys.stderr)
    raise SystemExit(2)
