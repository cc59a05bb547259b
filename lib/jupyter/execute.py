"""Runs one notebook from top to bottom and says where it is, as JSON lines for `npm run reproduce`.

Usage: python execute.py <notebook> <file for the executed notebook> <folder to run in>
"""

import json
import sys

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


def main(source, target, folder):
    notebook = nbformat.read(source, as_version=4)
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
    numbers = {index: number for number, index in enumerate(code, 1)}
    current = {"number": 0, "source": ""}

    def on_cell_execute(cell, cell_index):
        current.update(number=numbers[cell_index], source=cell.source)
        say("cell", number=current["number"], of=len(numbers))

    def on_cell_error(execute_reply, **_):
        current.update(traceback="\n".join(execute_reply["content"].get("traceback") or []))

    client = NotebookClient(
        notebook,
        kernel_name=notebook.metadata.get("kernelspec", {}).get("name", "tslab"),
        timeout=None,  # a sweep or a training takes as long as it takes
        iopub_timeout=30,
        raise_on_iopub_timeout=True,  # lost output is a failure
        record_timing=False,  # no timestamps: the same results make the same file
        coalesce_streams=True,  # one output for what a cell printed, however it was cut on the way
        resources={"metadata": {"path": folder}},
        on_cell_execute=on_cell_execute,
        on_cell_error=on_cell_error,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        say("error", name=error.ename, message=error.evalue, **current)
        return 1
    except (RuntimeError, NoSuchKernel) as error:  # a dead kernel, one that never started, or lost output
        say("error", name=type(error).__name__, message=str(error), **current)
        return 1
    nbformat.write(notebook, target)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
