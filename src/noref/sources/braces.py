"""Names of many files in one: `shards-{0000..0099}.tar`, `{train,test}.tar`."""

import re
from collections.abc import Iterator

_BRACES = re.compile(r"\{(?:(?P<first>\d+)\.\.(?P<last>\d+)|(?P<words>[^{},]*(?:,[^{},]*)+))\}")


def expanded(name: str) -> Iterator[str]:
    """The names that braces stand for, as shells and WebDataset expand them; a name without braces is itself.

    A range has the digits of its ends: from `0` one digit, from `0000` four. It may fall.

    Examples:
        >>> from noref.sources import braces
        >>> list(braces.expanded("shards-{08..10}.tar"))
        ['shards-08.tar', 'shards-09.tar', 'shards-10.tar']
        >>> list(braces.expanded("{train,test}.tar"))
        ['train.tar', 'test.tar']
    """
    found = _BRACES.search(name)
    if found is None:
        yield name
        return
    for text in found["words"].split(",") if found["words"] else _range(found["first"], found["last"]):
        for rest in expanded(name[found.end() :]):
            yield name[: found.start()] + text + rest


def _range(first: str, last: str) -> Iterator[str]:
    padded = any(end.startswith("0") and len(end) > 1 for end in (first, last))
    width = max(len(first), len(last)) if padded else 0
    step = 1 if int(first) <= int(last) else -1
    return (f"{number:0{width}}" for number in range(int(first), int(last) + step, step))
