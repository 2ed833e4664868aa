"""A function-calling loop as agent frameworks run it: the model (aimock) calls a tool, the daemon books the schedule.

The tools come from `chimewheel tools --format openai`; each call of the model goes to POST /v1/tools/NAME, and what the
tool says goes back to the model, which then answers the user.
Usage: loop.py MODEL_ADDRESS DAEMON_ADDRESS TOKEN TOOLS_FILE
"""

import json
import sys
import urllib.request

MODEL, DAEMON, TOKEN, TOOLS = sys.argv[1:]


def post(url, body, **headers):
    headers = {"content-type": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


with open(TOOLS) as file:
    tools = json.load(file)
messages = [{"role": "user", "content": "remind me to review the PR in 2 hours"}]
used = []
for _ in range(4):
    body = {"model": "mock", "messages": messages, "tools": tools}
    said = post(f"http://{MODEL}/v1/chat/completions", body, authorization="Bearer mock")["choices"][0]["message"]
    messages.append(said)
    if not said.get("tool_calls"):
        break
    for call in said["tool_calls"]:
        function = call["function"]
        caller = "agent=loop&gateway=console&chat_id=me"
        headers = {"authorization": f"Bearer {TOKEN}", "chimewheel-caller": caller}
        # The arguments are JSON inside a text, and are handed on as they are.
        outcome = post(f"http://{DAEMON}/v1/tools/{function['name']}", function["arguments"], **headers)
        used.append((function["name"], outcome))
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": outcome["text"]})

name, outcome = used[0]
assert name == "schedule_task" and not outcome["is_error"], used
assert outcome["text"].startswith("Created one-shot schedule: "), outcome
assert len(outcome["structured"]["next"]) == 1, outcome
assert messages[-1]["content"] == "I will remind you.", messages[-1]
print(f"function calling: {outcome['text'].splitlines()[0]}")
