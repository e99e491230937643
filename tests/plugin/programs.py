"""Random Python functions with every kind of parameter, control flow, generator and coroutine."""

from __future__ import annotations

import builtins
import random

_SYNTAX = {"except*"} if hasattr(builtins, "ExceptionGroup") else set()

KINDS = ("plain", "generator", "coroutine", "asynchronous generator")

PRELUDE = """
class Gone(Exception): pass
class Manager:
    def __init__(self, log, swallows): self.log, self.swallows = log, swallows
    def __enter__(self): self.log.append('enter'); return self.log
    def __exit__(self, *error): self.log.append(('exit', str(error[0]))); return self.swallows
    async def __aenter__(self): await Pause(); return self.__enter__()
    async def __aexit__(self, *error): await Pause(); return self.__exit__(*error)
class Pause:
    def __await__(self):
        got = yield 'pause'
        return got
def source(log, n):
    try:
        for i in range(n):
            got = yield i
            if got is not None: log.append(('sent', got))
    except KeyError: yield 'caught'
    finally: log.append('source closed')
    return 'done'
async def asource(log, n):
    for i in range(n):
        await Pause()
        yield i
"""


class Program:
    """The text of one function `f`, which writes to its argument `log`, with the arguments of a call."""

    def __init__(self, seed: int, kind: str) -> None:
        self._random = random.Random(seed)
        self.kind = kind
        self._n = 0
        self._lines: list[str] = []
        self._in_loop = 0
        parameters = self._parameters()
        word = "async def" if kind.startswith(("coroutine", "asynchronous")) else "def"
        self._lines.append(f"{word} f({parameters}):")
        if self._chance(0.3):
            self._lines.append("    '''What it does.'''")
        if self._chance(0.3):
            self._lines.append("    keep = lambda: (a, log)")
        self._block(1, 3)
        if kind == "generator" and not any("yield" in line for line in self._lines):
            self._lines.append("    yield 0")
        if kind.startswith("asynchronous") and not any("yield" in line for line in self._lines):
            self._lines.append("    yield 0")
        self.text = PRELUDE + "\n".join(self._lines) + "\n"

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _parameters(self) -> str:
        parts = ["log"]
        if self._chance(0.3):
            parts.append("/")
        parts.append("a")
        has_default = False
        for name in ("b", "c"):
            if self._chance(0.6):
                has_default = has_default or self._chance(0.6)
                parts.append(f"{name}={self._random.randrange(3)}" if has_default else name)
        self._positional = [part[0] for part in parts if part[0] in "abc"]
        self._needed = [part for part in parts if part in ("a", "b", "c")]
        self._keyword_only = []
        if self._chance(0.4):
            parts.append("*rest")
        elif self._chance(0.5):
            parts.append("*")
            parts.append("k=7")
            self._keyword_only.append("k")
        if parts[-1] == "*rest" and self._chance(0.5):
            parts.append("k=7")
            self._keyword_only.append("k")
        self._has_rest = "*rest" in parts
        self._has_keywords = self._chance(0.3)
        if self._has_keywords:
            parts.append("**more")
        return ", ".join(parts)

    def arguments(self) -> tuple[list, dict]:
        """Arguments besides the log; sometimes wrong ones."""
        if self._chance(0.05):
            return [], {"nothing": 1}
        n = self._random.randrange(len(self._needed), len(self._positional) + 1)
        args = [self._random.randrange(3) for _ in range(n)]
        kwargs = {}
        if n < len(self._positional) and self._chance(0.4):
            kwargs[self._positional[-1]] = self._random.randrange(3)
        if self._has_rest and n == len(self._positional) and self._chance(0.5):
            args += [8, 9]
        if self._keyword_only and self._chance(0.5):
            kwargs["k"] = self._random.choice([7, 8])
        if self._has_keywords and self._chance(0.5):
            kwargs["extra"] = 1
        return args, kwargs

    def _block(self, depth: int, room: int) -> None:
        for _ in range(self._random.randrange(1, 4)):
            self._statement(depth, room)

    def _add(self, depth: int, text: str) -> None:
        self._lines.append("    " * depth + text)

    def _statement(self, depth: int, room: int) -> None:
        self._n += 1
        choices = ["log", "log", "log", "raise", "return", "call", "nested"]
        if self.kind != "plain":
            choices += ["wait"] * 5
        if self._in_loop:
            choices += ["leave"]
        if room and self._n < 40:
            choices += ["if", "for", "while", "try", "try", "finally", "with", "async with"]
            if "except*" in _SYNTAX:
                choices += ["group"]
        getattr(self, "_" + self._random.choice(choices).replace(" ", "_"))(depth, room)

    def _log(self, depth: int, room: int) -> None:
        self._add(depth, f"log.append({self._n})")

    def _raise(self, depth: int, room: int) -> None:
        error = self._random.choice(
            ["ValueError('v')", "KeyError('k')", "Gone()", "StopIteration(1)"]
        )
        origin = self._random.choice(["", " from None", " from TypeError('t')"])
        self._add(depth, f"if len(log) % 3 == {self._random.randrange(3)}: raise {error}{origin}")

    def _return(self, depth: int, room: int) -> None:
        value = "" if self.kind.startswith("asynchronous") else f" ({self._n}, a)"
        self._add(depth, f"if len(log) % 4 == {self._random.randrange(4)}: return{value}")

    def _call(self, depth: int, room: int) -> None:
        self._add(
            depth,
            self._random.choice(
                [
                    "log.append(sorted([x + a for x in range(3)]))",
                    "log.append({k: a for k in 'ab'})",
                    "log.append(sum(x * a for x in range(3)))",
                    "log.append(1 // a)",
                    "a += 1",
                    "del a; a = 5",
                    "log.append(sorted(locals())[:3])",
                    "(lambda: log.append(a))()",
                ]
            ),
        )

    def _nested(self, depth: int, room: int) -> None:
        self._add(depth, f"def inner(x={self._n}): return x if a else log")
        self._add(depth, "log.append(inner())")

    def _wait(self, depth: int, room: int) -> None:
        choices = {
            "generator": [
                f"log.append((yield {self._n}))",
                "log.append((yield from source(log, 2)))",
                "for x in source(log, 2): yield x",
            ],
            "coroutine": [
                "log.append(await Pause())",
                "log.append([x async for x in asource(log, 2)])",
            ],
            "asynchronous generator": [
                f"log.append((yield {self._n}))",
                "log.append(await Pause())",
                "async for x in asource(log, 2): yield x",
            ],
        }
        self._add(depth, self._random.choice(choices[self.kind]))

    def _leave(self, depth: int, room: int) -> None:
        word = self._random.choice(["break", "continue"])
        self._add(depth, f"if len(log) % 3 == {self._random.randrange(3)}: {word}")

    def _if(self, depth: int, room: int) -> None:
        self._add(depth, f"if len(log) % 2 == {self._random.randrange(2)}:")
        self._block(depth + 1, room - 1)
        if self._chance(0.5):
            self._add(depth, "else:")
            self._block(depth + 1, room - 1)

    def _loop(self, depth: int, room: int, head: str) -> None:
        self._add(depth, head)
        self._in_loop += 1
        self._block(depth + 1, room - 1)
        self._in_loop -= 1
        if self._chance(0.3):
            self._add(depth, "else:")
            self._block(depth + 1, room - 1)

    def _for(self, depth: int, room: int) -> None:
        self._loop(depth, room, f"for i{depth} in range({self._random.randrange(4)}):")

    def _while(self, depth: int, room: int) -> None:
        self._add(depth, f"n{self._n} = 3")
        self._loop(depth, room, f"while [log.append('while'), n{self._n}][1] and len(log) < 60:")

    def _try(self, depth: int, room: int) -> None:
        self._add(depth, "try:")
        self._block(depth + 1, room - 1)
        error = self._random.choice(
            ["ValueError", "(KeyError, Gone)", "Exception as e", "BaseException"]
        )
        self._add(depth, f"except {error}:")
        self._block(depth + 1, room - 1)
        if self._chance(0.4):
            self._add(depth + 1, "raise")
        if self._chance(0.3):
            self._add(depth, "else:")
            self._block(depth + 1, room - 1)

    def _finally(self, depth: int, room: int) -> None:
        self._add(depth, "try:")
        self._block(depth + 1, room - 1)
        self._add(depth, "finally:")
        loops, self._in_loop = self._in_loop, 0
        self._block(depth + 1, room - 1)
        self._in_loop = loops

    def _with(self, depth: int, room: int) -> None:
        self._add(depth, f"with Manager(log, {self._chance(0.4)}) as m:")
        self._block(depth + 1, room - 1)

    def _async_with(self, depth: int, room: int) -> None:
        word = "async with" if self.kind.startswith(("coroutine", "asynchronous")) else "with"
        self._add(depth, f"{word} Manager(log, {self._chance(0.4)}):")
        self._block(depth + 1, room - 1)

    def _group(self, depth: int, room: int) -> None:
        self._add(depth, "try:")
        self._block(depth + 1, room - 1)
        self._add(depth, "except* ValueError:")
        self._add(depth + 1, "log.append('group')")
