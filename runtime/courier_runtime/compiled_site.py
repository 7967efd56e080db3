"""A site that is compiled into a tree by a child process: the compiler is never imported here."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Final

from courier_schema.report import CourierSiteError

_REMEMBERED: Final = 40
_UP_TO_DATE: Final = "up to date"


class CompiledSite:
    """A site and its tree, made again at every edit."""

    def __init__(self, path: Path, tree: Path, host: str = "", *, has_owners: bool = False) -> None:
        """With `has_owners` files get the owners that the target wants, which only root can give."""
        self._path, self._tree, self._host, self._has_owners = path, tree, host, has_owners
        self._lines: deque[str] = deque(maxlen=_REMEMBERED)
        self._is_broken = False
        self._child: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Begin to make the tree."""
        self._tree.mkdir(parents=True, exist_ok=True)
        self._child = self._start("apply", str(self._path), "--root", str(self._tree))

    def wait(self) -> None:
        """Wait for it. Raises CourierSiteError after the compiler has said why the tree cannot be made."""
        assert self._child is not None, "begin() comes first"
        said, _ = self._child.communicate()
        code, self._child = self._child.returncode, None
        if code:
            sys.stderr.write(said)
            raise CourierSiteError(f"{self._path} cannot be served as it is")

    def watch(self) -> None:
        """Begin to compile at every edit. What the compiler says goes on to the terminal."""
        self._child = self._start("watch", str(self._path), "--apply", str(self._tree), "--until-eof")
        threading.Thread(target=self._listen, args=(self._child,), daemon=True).start()

    def trouble(self) -> str:
        """What the compiler has said about an edit that is not in force; empty while there is none."""
        return "\n".join(self._lines) if self._is_broken else ""

    def close(self) -> None:
        """Stop compiling."""
        if self._child is not None:
            self._child.terminate()
            self._child.wait()

    def _start(self, *words: str) -> subprocess.Popen[str]:
        host = ("--host", self._host) if self._host else ()
        owners = () if self._has_owners else ("--no-owners",)
        habits = (*owners, "--overwrite-drift", "--loss", "100", *host)
        command = (sys.executable, "-P", "-m", "courier_compiler.cli", *words, *habits)
        # The pipe to its standard input is never written to: it closes with this process, and so ends a watch.
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    def _listen(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            sys.stderr.write(line)
            text = line.rstrip("\n")
            if _UP_TO_DATE in text:
                self._lines.clear()
                self._is_broken = False
            else:
                self._lines.append(text)
                self._is_broken = self._is_broken or "error" in text
