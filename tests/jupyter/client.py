"""Drives one real kernel for the tests: reads a JSON command a line, answers with a JSON result a line.

Usage: python client.py <kernel name> <working directory> <file for what the kernel logs>
"""

import datetime
import json
import subprocess
import sys
import threading
import time

from jupyter_client.manager import KernelManager

TIMEOUT = 240  # seconds for any one message, on a busy machine


def reply_to(client, request):
    """Waits for the reply to one request; others, as those of wait_for_ready, are dropped."""
    while True:
        message = client.get_shell_msg(timeout=TIMEOUT)
        if message["parent_header"].get("msg_id") == request:
            return message["content"]


def post(client, kind, content, behind=0, channel="shell"):
    """Sends a message from a front end whose clock is some seconds behind, and says its id."""
    message = client.session.msg(kind, content)
    message["header"]["date"] -= datetime.timedelta(seconds=behind)
    getattr(client, f"{channel}_channel").send(message)
    return message["header"]["msg_id"]


def execute(
    client, manager, codes, interrupt_on=None, interrupt_after=None, again_after=None, stop_on_error=True, behind=0
):
    """Sends all cells at once, as "run all" does, and collects what comes until each is answered and idle."""
    request = {"silent": False, "allow_stdin": True, "stop_on_error": stop_on_error}
    sent = [post(client, "execute_request", {"code": code, **request}, behind) for code in codes]
    results = {id: {"outputs": [], "text": "", "order": "", "times": []} for id in sent}
    started, interrupted, idle, printed, begun, again = time.time(), None, set(), "", None, None
    while len(idle) < len(sent):
        if begun is not None and interrupted is None and interrupt_after is not None:
            time.sleep(max(0, begun + interrupt_after - time.time()))
            interrupted, again = press(manager, again_after)
        message = client.get_iopub_msg(timeout=TIMEOUT)
        result = results.get(message["parent_header"].get("msg_id"))
        if result is None:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "execute_input":
            begun = time.time()
        if kind == "stream":
            result["text"] += content["text"]
            result["order"] += content["text"]
            result["times"] = [*result["times"][:1], time.time() - started]
            printed = (printed + content["text"])[-100:]
        if kind == "status" and content["execution_state"] == "idle":
            idle.add(message["parent_header"]["msg_id"])
        elif kind not in ("status", "stream"):
            result["order"] += content.get("data", {}).get("text/plain", "")
            result["outputs"].append({"type": kind, **content})
        if interrupt_on is not None and interrupted is None and interrupt_on in printed:
            interrupted, again = press(manager, again_after)
    ended = time.time()
    if again is not None:
        again.cancel()
    for request, result in results.items():
        result["reply"] = reply_to(client, request)
        result["seconds"] = ended - started
        result["stopped"] = None if interrupted is None else ended - interrupted
    return [results[id] for id in sent]


def press(manager, again_after):
    """Interrupts, and once more after some seconds; says when, and what to cancel."""
    manager.interrupt_kernel()
    again = threading.Timer(again_after, manager.interrupt_kernel) if again_after is not None else None
    if again is not None:
        again.start()
    return time.time(), again


def request(client, manager, type, content, channel="shell", **_):
    """Sends one message and collects all that comes until the kernel is idle again, a request's reply last, and whether we are asked."""
    id = post(client, type, content, channel=channel)
    messages, ended = [], False
    while not ended:
        message = client.get_iopub_msg(timeout=TIMEOUT)
        if message["parent_header"].get("msg_id") == id:
            messages.append({"type": message["msg_type"], "content": message["content"]})
            ended = message["content"].get("execution_state") == "idle"
    while type.endswith("_request") and not messages[-1]["type"].endswith("_reply"):
        message = getattr(client, f"{channel}_channel").get_msg(timeout=TIMEOUT)
        if message["parent_header"].get("msg_id") == id:
            messages.append({"type": message["msg_type"], "content": message["content"]})
    return {"messages": messages, "asked": client.stdin_channel.msg_ready()}


def forge(client, manager, **_):
    """Sends a message that is signed with another key."""
    key, client.session.key = client.session.key, b"another key"
    post(client, "kernel_info_request", {})
    client.session.key = key
    return key.decode()


def information(client, manager, **_):
    """Asks for kernel_info."""
    return reply_to(client, client.kernel_info())


def complete(client, manager, code, **_):
    """Asks for what may stand at the end of some code."""
    return reply_to(client, client.complete(code, len(code)))


def shutdown(client, manager, **_):
    """Asks the kernel to leave and says how many seconds it took."""
    started = time.time()
    client.shutdown()
    while manager.is_alive() and time.time() < started + TIMEOUT:
        time.sleep(0.01)
    return time.time() - started


def main(kernel, folder, log):
    manager = KernelManager(kernel_name=kernel)
    # Not our own stdout: Node.js would make it non-blocking, and long answers would be cut.
    manager.start_kernel(cwd=folder, stdout=subprocess.DEVNULL, stderr=open(log, "wb"))
    try:
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=TIMEOUT)
        for line in sys.stdin:
            command = json.loads(line)
            result = COMMANDS[command.pop("command")](client, manager, **command)
            print(json.dumps(result), flush=True)
    finally:
        manager.shutdown_kernel(now=True)


COMMANDS = {
    **{"execute": execute, "request": request, "forge": forge},
    **{"complete": complete, "information": information, "shutdown": shutdown},
}

if __name__ == "__main__":
    main(*sys.argv[1:])
