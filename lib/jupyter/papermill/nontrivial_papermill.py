"""Teaches papermill TypeScript: parameters change CONFIG, and the kernel's own type check says which of them are wrong.

Papermill loads every entry point of the group `papermill.engine` (https://papermill.readthedocs.io, "Extending papermill through entry
points"). The one in the folder beside this file leads here, and both are found on PYTHONPATH: nothing has to be installed.
"""

import json
import re

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

# name: value, // comment; a field on each line, or all on one
VALUE = r'((?:"(?:[^"\\]|\\.)*"|[^"/]|/(?!/))+?)'
FIELD = re.compile(rf"(?:^ +|\{{ |, )(\w+): {VALUE}(?:,? *(?:// (.*))?$|(?=, \w+: )|(?=,? \}};?$))", re.M)


class TypeScript(Translator):
    @classmethod
    def translate(cls, val):
        return json.dumps(val, ensure_ascii=False, allow_nan=False)

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}"

    @classmethod
    def codify(cls, parameters, comment="Parameters"):
        lines = [f"  {json.dumps(name)}: {cls.translate(value)}," for name, value in parameters.items()]
        head = [cls.comment(comment), "Object.assign(CONFIG, {"]
        return "\n".join([*head, *lines, "} satisfies Partial<typeof CONFIG>);", ""])

    @classmethod
    def inspect(cls, parameters_cell):
        found = FIELD.findall(parameters_cell["source"])
        return [Parameter(name, kind_of(default), default, comment) for name, default, comment in found]


def kind_of(default):
    """What a default's first character says of its type."""
    kinds = {'"': "string", "t": "boolean", "f": "boolean", "[": "list", "{": "object"}
    return kinds.get(default[0], "number" if re.match(r"[-.\d]", default) else "None")


class Engine(NBClientEngine):
    """Papermill's own engine, with outputs as `npm run reproduce` has them, that says where it is in lines such as "cell 2 of 9"."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **options):
        code = [i for i, cell in enumerate(nb_man.nb.cells) if cell.cell_type == "code" and cell.source.strip()]
        start = nb_man.cell_start

        def cell_start(cell, cell_index=None, **more):
            if cell_index in code:
                print(f"cell {code.index(cell_index) + 1} of {len(code)}", flush=True)
            return start(cell, cell_index, **more)

        nb_man.cell_start = cell_start
        chosen = {"record_timing": False, "coalesce_streams": True, **options}
        return super().execute_managed_notebook(nb_man, kernel_name, **chosen)


for known in ("tslab", "typescript"):
    papermill_translators.register(known, TypeScript)
