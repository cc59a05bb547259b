// Jupyter's protocol over a real kernel and Jupyter's own client: what the community's test bed (jupyter_kernel_test) asks of kernels.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { Kernel } from "./jupyter/kernel";

interface Message {
  readonly type: string;
  readonly content: Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any
}

interface Answer {
  readonly messages: Message[];
  readonly asked: boolean; // whether the kernel asked the user for something
}

describe("the protocol", { timeout: 300_000 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "protocol-test-"));
  const log = path.join(folder, "log");
  let kernel: Kernel;
  before(() => void (kernel = new Kernel(folder, log)));
  after(async () => {
    await kernel.end();
    fs.rmSync(folder, { recursive: true });
  });

  const request = (type: string, content: object = {}, channel = "shell") =>
    kernel.ask<Answer>("request", { type, content, channel });

  /** The content of the reply to a request, of which it must be the only one. */
  async function reply(type: string, content: object = {}, channel = "shell"): Promise<Message["content"]> {
    const { messages } = await request(type, content, channel);
    const wanted = ["status", "status", type.replace("_request", "_reply")];
    assert.deepEqual(
      messages.map((message) => message.type),
      wanted,
    );
    return messages[2].content;
  }

  const run = (code: string, options: object = {}) => request("execute_request", { code, ...options });
  const typesOf = ({ messages }: Answer) => messages.map(({ type }) => type);
  const contentOf = ({ messages }: Answer, type: string) => messages.find((message) => message.type === type)!.content;

  test("kernel_info says what the kernel and its language are", async () => {
    const { status, protocol_version, implementation, language_info, banner } = await reply("kernel_info_request");
    assert.deepEqual([status, protocol_version, implementation], ["ok", "5.3", "tslab"]);
    const { name, mimetype, file_extension, codemirror_mode } = language_info;
    assert.deepEqual([name, mimetype, file_extension], ["typescript", "text/typescript", ".ts"]);
    assert.ok(codemirror_mode && banner.includes("TypeScript"));
  });

  test("a cell's messages come in order: its code, its streams, its displays, its result, and the reply", async () => {
    const answer = await run(`import { display } from "tslab";
      console.log("out"); console.error("err"); display.html("<b>bold</b>"); 1 + 2`);
    const outputs = ["stream", "stream", "display_data", "execute_result"];
    assert.deepEqual(typesOf(answer), ["status", "execute_input", ...outputs, "status", "execute_reply"]);
    const streams = answer.messages.filter(({ type }) => type === "stream").map(({ content }) => content);
    assert.deepEqual(streams, [
      { name: "stdout", text: "out\n" },
      { name: "stderr", text: "err\n" },
    ]);
    assert.deepEqual(contentOf(answer, "display_data").data, { "text/html": "<b>bold</b>" });
    assert.deepEqual(contentOf(answer, "execute_result").data, { "text/plain": "3" });
    const { status, execution_count, payload, user_expressions } = contentOf(answer, "execute_reply");
    assert.deepEqual([status, payload, user_expressions], ["ok", [], {}]);
    assert.equal(contentOf(answer, "execute_input").execution_count, execution_count);
  });

  test("a silent cell shows no code and no result, and does not count", async () => {
    const count = contentOf(await run("0"), "execute_reply").execution_count;
    const silent = await run("7", { silent: true });
    assert.deepEqual(typesOf(silent), ["status", "status", "execute_reply"]);
    assert.equal(contentOf(silent, "execute_reply").execution_count, count);
  });

  test("an error is published with name, message and lines, and is the reply", async () => {
    const answer = await run(`throw new RangeError("too far")`);
    assert.deepEqual(typesOf(answer), ["status", "execute_input", "error", "status", "execute_reply"]);
    const { ename, evalue, traceback } = contentOf(answer, "error");
    assert.deepEqual([ename, evalue, traceback[0]], ["RangeError", "too far", "RangeError: too far"]);
    assert.equal(contentOf(answer, "execute_reply").status, "error");
  });

  test("is_complete tells code that can run from code that goes on", async () => {
    const statusOf = async (code: string) => (await reply("is_complete_request", { code })).status;
    for (const code of ["const a = 1;", "f(1)", "if (true) {\n  g();\n}", "type A = { b: number };"])
      assert.equal(await statusOf(code), "complete", code);
    for (const code of ["if (true) {", "f(1,", "const a =", "function f() {\n  return 1;"])
      assert.equal(await statusOf(code), "incomplete", code);
    assert.equal((await reply("is_complete_request", { code: "if (true) {" })).indent, "  ");
  });

  test("complete gives names, fields and the files of a path, where the cursor stands in characters", async () => {
    await run(`const sample = { first: 1, second: 2 };`);
    const matches = async (code: string, cursor_pos = [...code].length) => {
      const { matches, cursor_start, cursor_end } = await reply("complete_request", { code, cursor_pos });
      return [matches, cursor_start, cursor_end];
    };
    assert.deepEqual(await matches("sample.se"), [["second"], 7, 9]);
    assert.deepEqual(await matches("sample.fi + 1", 9), [["first"], 7, 9]);
    assert.deepEqual(await matches(`"🙂"; sample.se`), [["second"], 12, 14]);
    assert.deepEqual(await matches(`import { sweep } from "./lib/sw`), [["sweeps/"], 29, 31]);
    assert.deepEqual(await matches(`import { sweep } from "./lib/sweeps/gree`), [["greedy"], 36, 40]);
    assert.deepEqual(await matches(`read("data/runs/REA`), [["README.md"], 16, 19]);
    assert.deepEqual(await matches(`read("data/nowhere/REA`), [[], 19, 22]);
  });

  test("inspect says a function's form, options and errors, also within its call, and the fields of a type", async () => {
    await run(`import { evaluate, type Row, type Spec } from "./lib";\nconst here = 1;`);
    const text = async (code: string, cursor_pos = code.length) => {
      const { found, data } = await reply("inspect_request", { code, cursor_pos, detail_level: 0 });
      return found ? (data["text/plain"] as string) : undefined;
    };
    for (const code of ["evaluate", "await evaluate(", "evaluate(here, "]) {
      const said = (await text(code)) ?? "";
      assert.match(said, /evaluate\(network: Network, dataset: Dataset/, code);
      assert.match(said, /Options:\n {2}batch\?: number — Images per call of the engine\./, code);
      assert.match(said, /@throws RangeError when/, code);
    }
    assert.match((await text("let row: Row"))!, /Fields of Row:[^]*\n {2}drop: number/);
    assert.match((await text("let spec: Spec"))!, /Fields of CifarSpec:[^]*Fields of ImageNetSpec:/);
    assert.match((await text("here", 0))!, /const here: 1/);
    assert.equal(await text("  "), undefined);
  });

  test("history gives the cells of this session: the last ones, a range, and what a pattern finds", async () => {
    const before = contentOf(await run(`const remembered = 1;`), "execute_reply").execution_count as number;
    await run(`const other = "a*b";`);
    await run(`throw new Error("also remembered")`);
    const history = async (content: object) => (await reply("history_request", content)).history;
    const first = [0, before, "const remembered = 1;"];
    const last = [0, before + 2, `throw new Error("also remembered")`];
    assert.deepEqual((await history({ hist_access_type: "tail", n: 3 }))[0], first);
    assert.deepEqual(await history({ hist_access_type: "tail", n: 1 }), [last]);
    const range = { hist_access_type: "range", session: 0, start: before, stop: before + 1 };
    assert.deepEqual(await history(range), [first]);
    assert.deepEqual(await history({ ...range, output: true }), [[...first.slice(0, 2), [first[2], null]]]);
    assert.deepEqual(await history({ hist_access_type: "search", pattern: "*remembered?? 1*" }), [first]);
    const all = { hist_access_type: "search", pattern: "*remembered*" };
    assert.deepEqual(await history(all), [first, last]);
    assert.deepEqual(await history({ ...all, n: 1 }), [last]);
  });

  test("comm_info knows no widgets, and a widget that is opened is closed at once", async () => {
    assert.deepEqual(await reply("comm_info_request", { target_name: "jupyter.widget" }), { status: "ok", comms: {} });
    await run("1");
    const answer = await request("comm_open", { comm_id: "a", target_name: "jupyter.widget", data: {} });
    assert.deepEqual(typesOf(answer), ["status", "comm_close", "status"]);
    assert.deepEqual(contentOf(answer, "comm_close"), { comm_id: "a", data: {} });
  });

  test("messages that the kernel does not know are logged, and never get into a cell", async () => {
    const answers = [await request("comm_msg", { comm_id: "a", data: {} }), await request("nonsense\u001b[2J")];
    for (const answer of answers) assert.deepEqual(typesOf(answer), ["status", "status"]);
    const logged = fs.readFileSync(log, "utf8");
    assert.match(logged, /Cannot answer "comm_msg"/);
    assert.match(logged, /Cannot answer "nonsense\\u001b\[2J"/);
  });

  test("a message that is signed with another key is not answered, and the log does not tell the right signature", async () => {
    const key = await kernel.ask<string>("forge");
    assert.equal((await reply("kernel_info_request")).status, "ok");
    const logged = fs.readFileSync(log, "utf8");
    assert.match(logged, /Cannot trust a message/);
    assert.doesNotMatch(logged, /[0-9a-f]{64}/);
    assert.ok(!logged.includes(key));
  });

  test("a cell that wants to ask the user gets an error, and nobody is asked", async () => {
    for (const code of [`const name = input("name? ");`, `const name = prompt("name?");`]) {
      const answer = await run(code, { allow_stdin: true });
      assert.match(contentOf(answer, "error").traceback.join("\n"), /this kernel cannot ask/);
      assert.equal(answer.asked, false);
    }
  });

  test("a request to interrupt is answered on the control channel, also where nothing runs", async () => {
    assert.deepEqual(await reply("interrupt_request", {}, "control"), { status: "ok" });
    assert.equal(contentOf(await run("1"), "execute_reply").status, "ok");
  });

  test("an error aborts what was sent before it, however far the front end's clock is off, and nothing that is sent after it", async () => {
    for (const behind of [60, -60]) {
      const failing = [`throw new Error("first")`, `console.log("second")`, `console.log("third")`];
      const queued = await kernel.runAll(failing, { behind });
      assert.deepEqual(
        queued.map((result) => result.reply.status),
        ["error", "aborted", "aborted"],
        `${behind} s behind`,
      );
      assert.equal((await kernel.run(`console.log("next")`, { behind })).text, "next\n", `${behind} s behind`);
    }
  });
});
