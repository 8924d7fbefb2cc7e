"""Drives a Python client: takes one command per line of JSON, and prints results, progress and notifications.

Usage: driver.py mcp|fastmcp URL HEADERS
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack

KINDS = {
    "tools": ("list_tools", "tools", "name"),
    "resources": ("list_resources", "resources", "uri"),
    "templates": ("list_resource_templates", "resourceTemplates", "uriTemplate"),
    "prompts": ("list_prompts", "prompts", "name"),
}


def emit(**line):
    print(json.dumps(line), flush=True)


async def on_message(message):
    method = getattr(getattr(message, "root", message), "method", None)
    if method is not None and method != "notifications/progress":
        emit(notification=method)


class Official:
    """The client session of the package `mcp`."""

    async def connect(self, stack, url, headers):
        import httpx
        from mcp import ClientSession, types
        from mcp.client.streamable_http import streamable_http_client

        async def accept(_context, _params):
            return types.ElicitResult(action="accept", content={"sure": True})

        http = await stack.enter_async_context(httpx.AsyncClient(headers=headers, timeout=60))
        read, write, _ = await stack.enter_async_context(streamable_http_client(url, http_client=http))
        self.session = await stack.enter_async_context(
            ClientSession(read, write, elicitation_callback=accept, message_handler=on_message)
        )
        await self.session.initialize()

    async def list(self, kind):
        method, key, name = KINDS[kind]
        names, cursor = [], None
        while True:
            page = await getattr(self.session, method)(cursor)
            names += [str(getattr(item, name)) for item in getattr(page, key)]
            cursor = page.nextCursor
            if cursor is None:
                return names

    async def call(self, name, arguments, on_progress):
        return await self.session.call_tool(name, arguments, progress_callback=on_progress)

    async def subscribe(self, uri):
        await self.session.subscribe_resource(uri)

    def next_request_id(self):
        # The API has no other way to learn the id of a request, which a cancellation names.
        return self.session._request_id

    async def cancel(self, request_id):
        from mcp import types

        params = types.CancelledNotificationParams(requestId=request_id, reason="no longer needed")
        await self.session.send_notification(
            types.ClientNotification(types.CancelledNotification(params=params))
        )


class FastMCP:
    """The client of the package `fastmcp`."""

    async def connect(self, stack, url, headers):
        from fastmcp import Client
        from fastmcp.client.elicitation import ElicitResult
        from fastmcp.client.transports import StreamableHttpTransport

        async def accept(_message, _response_type, _params, _context):
            return ElicitResult(action="accept", content={"sure": True})

        transport = StreamableHttpTransport(url, headers=headers)
        client = Client(transport, elicitation_handler=accept, message_handler=on_message)
        self.client = await stack.enter_async_context(client)
        self.session = self.client.session

    async def list(self, kind):
        method, _, name = KINDS[kind]
        return [str(getattr(item, name)) for item in await getattr(self.client, method)()]

    async def call(self, name, arguments, on_progress):
        return await self.client.call_tool(name, arguments, progress_handler=on_progress)

    async def subscribe(self, uri):
        await self.session.subscribe_resource(uri)

    def next_request_id(self):
        return self.session._request_id

    async def cancel(self, request_id):
        await self.client.cancel(request_id, reason="no longer needed")


async def main():
    package, url, headers = sys.argv[1:]
    client = FastMCP() if package == "fastmcp" else Official()
    request_ids, running = {}, set()

    async def act(stack, command):
        number = command["id"]
        try:
            match command["do"]:
                case "connect":
                    result = await client.connect(stack, url, json.loads(headers))
                case "list":
                    result = {kind: await client.list(kind) for kind in command["kinds"]}
                case "subscribe":
                    result = await client.subscribe(command["uri"])
                case "call":

                    async def on_progress(progress, _total, _message):
                        emit(id=number, progress=progress)

                    request_ids[number] = client.next_request_id()
                    answer = await client.call(command["name"], command["arguments"], on_progress)
                    result = "\n".join(getattr(part, "text", "") for part in answer.content)
            emit(id=number, result=result)
        except Exception as error:
            emit(id=number, error=f"{type(error).__name__}: {error}")

    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async with AsyncExitStack() as stack:
        while line := await lines.readline():
            command = json.loads(line)
            if command["do"] == "end":
                break
            if command["do"] == "cancel":
                await client.cancel(request_ids[command["call"]])
            elif command["do"] == "connect":
                # In this task: a scope of anyio must be left by the task that entered it.
                await act(stack, command)
            else:
                task = asyncio.create_task(act(stack, command))
                running.add(task)
                task.add_done_callback(running.discard)
    emit(id=command["id"], result=None)


asyncio.run(main())
