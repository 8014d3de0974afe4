"""What the chat clients of this folder have in common: they take commands and tell what they see, one JSON object a line.

The one argument is a JSON object: {"host", "port", "dc_id", "public_key": PEM file, "phone", "code", "name", and what
the client itself needs}. The client logs in, signing up under that name if the number is new, and prints
{"event": "ready", "id", "name", "phone"}. Each message that others send it is printed as
{"event": "message", "id", "user", "chat" or "channel", "sender", "text", "reply_to"}. Then, for each line on stdin, one answer:

    {"do": "contact", "phone", "name"}                          {"event": "done", "user"}
    {"do": "resolve", "username"}                               {"event": "done", "user"}
    {"do": "group", "title", "members": [user…]}                {"event": "done", "chat"}
    {"do": "supergroup", "title", "members": [user…]}           {"event": "done", "channel"}
    {"do": "link", "channel"}                                   {"event": "done", "link"}
    {"do": "join", "link"}                                      {"event": "done", "channel"}
    {"do": "members", "channel"}                                {"event": "done", "members": [user…]}
    {"do": "promote", "channel", "user"}                        {"event": "done"}: may delete and ban
    {"do": "delete", "channel", "id"}                           {"event": "done"}
    {"do": "ban", "channel", "user"}                            {"event": "done"}
    {"do": "send", PEER, "text", "reply_to"?}                   {"event": "done", "id"}
    {"do": "history", PEER, "limit"}                            {"event": "done", "messages": [newest first…]}

PEER is "user", "chat" or "channel".

A command that fails is answered by {"event": "failed", "error"}. At the end of stdin the client ends.
"""
import asyncio
import json
import sys
import traceback


def tell(event: str, **fields) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def message(*, id, peer: dict, sender, text, reply_to) -> dict:
    return {"id": id, **peer, "sender": sender, "text": text, "reply_to": reply_to}


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
