"""What of the client is Rust. Private: `turn_balance` is what is promised."""

import os
from collections.abc import Callable, Sequence
from typing import final

__all__ = ["Client", "Job", "__version__", "mint", "stop"]

__version__: str

@final
class Client:
    def __new__(
        cls,
        roots: Sequence[str],
        *,
        timeout: float,
        family: int | None,
        verify: str,
        urls: bool,
        transport: str,
        ca_file: str | os.PathLike[str] | None,
        strategy: str,
        view: str,
        linger: float,
        allow: Sequence[str],
        allow_private: bool,
        require: Sequence[str],
        prefer: Sequence[str],
        exclude: Sequence[str],
    ) -> Client: ...
    def run(self, trace: bool) -> str: ...
    def start(
        self, trace: bool, done: Callable[[str | None, Exception | None], None]
    ) -> Job: ...

@final
class Job:
    def cancel(self) -> None: ...

def mint(secret: bytes, expiry: int, user: str) -> tuple[str, str]: ...
def stop() -> None: ...
