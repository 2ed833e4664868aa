"""Two agents book, list and cancel through the Python SDK, and never see each other.

Both generations of the client (ClientSession, which says initialize, and Client, which says server/discover), each over
stdio and over HTTP. The SDK checks every structured reply against the tool's output schema.
Usage: judge.py PROGRAM FOLDER ADDRESS TOKEN
"""

import asyncio
import contextlib
import sys

import httpx2
from mcp import ClientSession, StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

PROGRAM, FOLDER, ADDRESS, TOKEN = sys.argv[1:]
passed = 0


def check(condition, told):
    global passed
    if not condition:
        raise SystemExit(f"failed: {told}")
    passed += 1


@contextlib.asynccontextmanager
async def transport(road, agent):
    if road == "stdio":
        arguments = ["mcp", "--agent", agent, "--gateway", "console", "--chat-id", agent, "--data", FOLDER + "/.chimewheel"]
        yield stdio_client(StdioServerParameters(command=PROGRAM, args=arguments))
        return
    headers = {
        "authorization": f"Bearer {TOKEN}",
        "chimewheel-caller": f"agent={agent}&gateway=console&chat_id={agent}",
    }
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        yield streamable_http_client(f"http://{ADDRESS}/mcp", http_client=http)


@contextlib.asynccontextmanager
async def connect(generation, road, agent):
    async with transport(road, agent) as streams:
        if generation == "new":
            async with Client(streams) as client:
                yield client, client.protocol_version
        else:
            async with streams as (read, write, *_), ClientSession(read, write) as session:
                told = await session.initialize()
                yield session, told.protocol_version


async def text(client, tool, **arguments):
    told = await client.call_tool(tool, arguments)
    return told.is_error, [block.text for block in told.content], told.structured_content


async def two_agents(generation, road):
    names = [f"ada-{generation}-{road}", f"bob-{generation}-{road}"]
    async with (
        connect(generation, road, names[0]) as (ada, revision),
        connect(generation, road, names[1]) as (bob, _),
    ):
        expected = "2026-07-28" if generation == "new" else "2025-11-25"
        check(revision == expected, f"{generation} over {road} negotiates {revision}")
        tools = await ada.list_tools()
        check(len(tools.tools) == 12, [tool.name for tool in tools.tools])
        for client, name in ((ada, names[0]), (bob, names[1])):
            failed, told, structured = await text(
                client, "schedule_task", name="tea", cron="0 9 * * MON-FRI", timezone="Europe/Berlin", message=name
            )
            check(not failed and told[0].startswith("Created recurring schedule: sched_"), told)
            check(len(structured["next"]) == 3, structured)
        failed, _, listed = await text(ada, "schedule_list")
        check([row["agent"] for row in listed["schedules"]] == [names[0]], listed)
        own = listed["schedules"][0]["id"]
        failed, told, _ = await text(bob, "schedule_cancel", schedule_id=own)
        check(failed and told == [f"Failed to cancel schedule: schedule not found: {own}"], told)
        failed, told, _ = await text(bob, "schedule_remove", name=own)
        check(failed and told == [f"Error: schedule '{own}' not found"], told)
        failed, told, _ = await text(bob, "schedule_disable", name="tea")
        check(not failed and told == ["OK: 'tea' disabled"], told)
        shown = await ada.read_resource(f"schedule://{own}")
        check('"status": "active"' in shown.contents[0].text, shown.contents[0].text)
        foreign = None
        try:
            await bob.read_resource(f"schedule://{own}")
        except Exception as error:  # The two generations raise different ones.
            foreign = str(error)
        check(foreign is not None and "schedule not found" in foreign, foreign)
        failed, told, structured = await text(ada, "schedule_task", message="x")
        check(failed and structured["error"]["code"] == "bad-input", structured)
        prompt = await ada.get_prompt("book_reminder", {"what": "tea"})
        check("What: tea" in prompt.messages[0].content.text, prompt)
        for client in (ada, bob):
            failed, told, _ = await text(client, "schedule_remove", name="tea")
            check(not failed and told == ["OK: 'tea' removed"], told)
            failed, told, _ = await text(client, "schedule_list")
            check(told == ["No scheduled tasks."], told)
    print(f"python, {generation} client over {road}: {revision}")


async def main():
    for road in ("stdio", "http"):
        for generation in ("old", "new"):
            await two_agents(generation, road)
    print(f"python: {passed} passed, 0 failed")


asyncio.run(main())
