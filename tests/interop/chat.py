"""What the chat clients of this folder have in common: they take commands and tell what they see, one JSON object a line.

The one argument is a JSON object: {"host", "port", "dc_id", "public_key": PEM file, "phone", "code", "name", and what
the client itself needs}. The client logs in, signing up under that name if the number is new, and prints
{"event": "ready", "id", "name", "phone"}. Each message that others send it is printed as
{"event": "message", "id", "user" or "chat", "sender", "text", "reply_to"}. Then, for each line on stdin, one answer:

    {"do": "contact", "phone", "name"}                          {"event": "done", "user"}
    {"do": "resolve", "username"}                               {"event": "done", "user"}
    {"do": "group", "title", "members": [user…]}                {"event": "done", "chat"}
    {"do": "send", "user" or "chat", "text", "reply_to"?}       {"event": "done", "id"}
    {"do": "history", "user" or "chat", "limit"}                {"event": "done", "messages": [newest first…]}

A command that fails is answered by {"event": "failed", "error"}. At the end of stdin the client ends.
"""
import asyncio
import json
import sys
import traceback


def tell(event: str, **fields) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def message(*, id, user=None, chat=None, sender, text, reply_to, **more) -> dict:
    peer = {"user": user} if chat is None else {"chat": chat}
    return {"id": id, **peer, "sender": sender, "text": text, "reply_to": reply_to, **more}


async def serve(client) -> None:
    """Logs the client in, then carries out commands until stdin ends. `client` has a method for each."""
    tell("ready", **await client.log_in())
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        command = json.loads(line)
        try:
            tell("done", **await getattr(client, command.pop("do"))(**command))
        except Exception as error:
            traceback.print_exc()
            tell("failed", error=f"{type(error).__name__}: {error}")
    await client.stop()


def run(client_class) -> None:
    settings = json.loads(sys.argv[1])

    async def main() -> None:
        await serve(client_class(settings))

    asyncio.run(main())
