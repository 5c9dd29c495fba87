"""What requests bring along, with limits."""

__all__ = ["body_of", "drain", "json_of"]

import asyncio
import contextlib
import json

from covid3dgan.app.uploads import Refused

_MOST_JSON = 20_000


async def body_of(request, most):
    """The bytes of a request; more than ``most`` are refused."""
    found = bytearray()
    async for block in request.stream():
        found += block
        if len(found) > most:
            raise Refused(413, f"Expected at most {most} bytes.")
    return bytes(found)


async def json_of(request):
    """The JSON object that a request brings; nothing is an empty one."""
    try:
        said = json.loads(await body_of(request, _MOST_JSON) or b"{}")
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Refused(400, "Expected a JSON object.")
    return said


async def drain(request, most=1 << 20):
    """Takes the rest of a small body that was refused: browsers show an answer only once they have sent theirs."""
    async def rest():
        taken = 0
        async for block in request.stream():
            taken += len(block)
            if taken > most:
                return

    if request.headers.get("content-length", "0").isdigit() and int(request.headers.get("content-length", 0)) <= most:
        with contextlib.suppress(Exception):  # what was taken already cannot be taken again
            await asyncio.wait_for(rest(), 1)
