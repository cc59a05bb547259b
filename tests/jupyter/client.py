"""Drives one real kernel for kernel.test.ts: reads a JSON command a line, answers with a JSON result a line.

Usage: python client.py <kernel name> <working directory>
"""

import json
import subprocess
import sys
import time

from jupyter_client.manager import KernelManager

TIMEOUT = 60  # seconds for any one message


def reply_to(client, request):
    """Waits for the reply to one request; others, as those of wait_for_ready, are dropped."""
    while True:
        message = client.get_shell_msg(timeout=TIMEOUT)
        if message["parent_header"].get("msg_id") == request:
            return message["content"]


def execute(client, manager, codes, interrupt_on=None, interrupt_after=None, stop_on_error=True, **_):
    """Sends all cells at once, as "run all" does, and collects what comes until each is answered and idle."""
    sent = [client.execute(code, stop_on_error=stop_on_error) for code in codes]
    results = {id: {"outputs": [], "text": "", "order": "", "times": []} for id in sent}
    started, interrupted, idle, printed, begun = time.time(), None, set(), "", None
    while len(idle) < len(sent):
        if begun is not None and interrupted is None and interrupt_after is not None:
            time.sleep(max(0, begun + interrupt_after - time.time()))
            interrupted = time.time()
            manager.interrupt_kernel()
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
            interrupted = time.time()
            manager.interrupt_kernel()
    ended = time.time()
    for request, result in results.items():
        result["reply"] = reply_to(client, request)
        result["seconds"] = ended - started
        result["stopped"] = None if interrupted is None else ended - interrupted
    return [results[id] for id in sent]


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


def main(kernel, folder):
    manager = KernelManager(kernel_name=kernel)
    # Not our own stdout: Node.js would make it non-blocking, and long answers would be cut.
    manager.start_kernel(cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


COMMANDS = {"execute": execute, "complete": complete, "information": information, "shutdown": shutdown}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
