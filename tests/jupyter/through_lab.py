"""Runs a cell through a running JupyterLab, as its page does, and prints how many characters of stdout came in how many
messages, and what came on stderr."""

import asyncio
import json
import sys
import urllib.request

from tornado.websocket import websocket_connect


async def main(address, code):
    base, token = address.split("/lab?token=")
    headers = {"Authorization": f"token {token}"}
    asked = urllib.request.Request(f"{base}/api/kernels", data=b'{"name": "tslab"}', headers=headers)
    kernel = json.load(urllib.request.urlopen(asked))["id"]
    path = f"{base.replace('http', 'ws')}/api/kernels/{kernel}/channels?token={token}"
    socket = await websocket_connect(path, max_message_size=2**30)
    header = {"msg_id": "asked", "msg_type": "execute_request", "session": "test", "username": "test", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
    rest = {"parent_header": {}, "metadata": {}, "channel": "shell", "buffers": []}
    await socket.write_message(json.dumps({"header": header, "content": content, **rest}))
    said = {"messages": 0, "stdout": 0, "stderr": ""}
    while True:
        message = json.loads(await socket.read_message())
        if message["parent_header"].get("msg_id") != "asked":
            continue
        content = message["content"]
        if message["msg_type"] == "stream":
            said["messages"] += 1
            is_output = content["name"] == "stdout"
            said[content["name"]] += len(content["text"]) if is_output else content["text"]
        if content.get("execution_state") == "idle":
            print(json.dumps(said))
            return


asyncio.run(main(*sys.argv[1:]))
