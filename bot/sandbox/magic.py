"""Words in a prompt that make the sandbox misbehave in a known way.

Owns the list, which the sandbox's page shows. What a word does is in the family it is about.
"""

import re
from collections.abc import Mapping

GROUPS: Mapping[str, Mapping[str, str]] = {
    "Refused at once": {
        "queuefull": "the queue is full: nothing is started, nothing is charged (code 23)",
        "saturated": "the gateway's upstream is saturated: HTTP 429 (code 30)",
        "banned": "a banned word: refused with code 24 (raw), or the job fails (stock)",
        "noaccount": "no Midjourney account is free: refused (code 3)",
        "syserror": "the upstream is broken: refused (code 9)",
    },
    "Accepted, or perhaps accepted": {
        "lostanswer": "the job is created and charged, but the connection closes unanswered",
        "e500": "HTTP 500 do_request_failed (code 5): nobody can say whether a job runs",
        "e400": "HTTP 400 do_request_failed (code 5): the same, as the stock gateway puts it",
        "queue": "accepted into a queue (code 22)",
        "numeric": "the task id comes as a JSON number",
        "spaced": "the answer is printed with spaces, so codes 21 and 22 are not rewritten to 1",
        "window": "a variation, re-roll, pan or zoom of this picture asks for a window (remix)",
    },
    "While it runs": {
        "slow": "takes five times as long",
        "stall": "stops at 46 % and never finishes",
        "nulls": "progress, preview, buttons and properties are null while it runs",
        "webp": "previews are WebP",
        "html": "a proxy answers polls with an HTML page (502) for a while",
        "unknownstatus": "shows a status nobody knows while it runs, then finishes",
    },
    "How a film's task is printed": {
        "own": "as Kling does it",
        "wrapped": "Kling, wrapped as a stock gateway does it",
        "short": "Kling, in the short form",
        "object": "Kling, as OpenAI's video object",
        "listed": "Luma's submit answers a list with one object",
        "late": "Luma's clean file comes a while after the task is completed",
        "marked": "Luma's clean file never comes, only one with a mark",
    },
    "How it ends": {
        "fail": "fails, at 100 %, with markdown, a mention and a link in the reason",
        "moderated": "is stopped by the output filter shortly before the end",
        "cancelled": "is cancelled upstream half way",
        "nofile": "a film is finished, but has no address",
        "onefails": "one take of a song, one of several pictures or vectors is held back",
        "allfail": "a song is a success by its own word, but both its takes failed",
        "onestreams": "one take of a song is finished, the other stays a stream for ever",
        "early": "a song is finished a while before its takes are more than streams",
    },
    "What a language model says": {
        "essay": "it answers at great length, with code, lists, links and tables",
        "thinks": "it thinks aloud first",
        "cutoff": "its answer breaks off in the middle",
        "cutearly": "its answer breaks off before the first word",
        "midfault": "an error comes in the middle of its answer",
        "toolong": "it stops because its answer may be no longer",
        "filtered": "a filter ends its answer",
        "badjson": "what it proposes, or puts into a form, is broken JSON",
        "inwords": "Gemini answers with words instead of a picture",
        "inlist": "Gemini's picture comes in a list of pictures",
        "inparts": "Gemini's picture comes as a part of its answer",
        "heavy": "Gemini's picture makes the answer more than 10 MB long",
    },
    "How a search is answered": {
        "packed": "the vectors come as base64, whatever was asked for",
    },
    "What its picture is": {
        "big": "the picture has about 12 MB",
        "hugefile": "the picture has more than 60 MB",
        "gone404": "the picture's address answers 404",
        "loopback": "the picture's address is http://169.254.169.254/",
        "truncated": "the picture breaks off in the middle",
        "notimage": "the picture's address answers an HTML page",
    },
}
"""What each word does. Words with which a job would be lost are none that people draw: "a full moon
over a lost city" is a prompt like any other.
"""

MAGIC: Mapping[str, str] = {word: does for group in GROUPS.values() for word, does in group.items()}
"""Every word and what it does. `25mb` (any number) makes a picture of that many megabytes."""

_WORD = re.compile(r"(?<![\w-])[a-z0-9]+(?![\w-])", re.IGNORECASE)
_MEGABYTES = re.compile(r"([1-9]\d{0,2})mb")


def words_in(prompt: str) -> frozenset[str]:
    """The magic words of a prompt, in lower case. Parts of words and of flags do not count."""
    found = {word.lower() for word in _WORD.findall(prompt)}
    return frozenset(word for word in found if word in MAGIC or _MEGABYTES.fullmatch(word))


def megabytes(words: frozenset[str]) -> int:
    """How large a picture these words ask for, in millions of bytes; 0: as it comes."""
    sizes = [int(match[1]) for word in words if (match := _MEGABYTES.fullmatch(word))]
    named = [64 * ("hugefile" in words), 12 * ("big" in words)]
    return max(*named, *sizes, 0)
