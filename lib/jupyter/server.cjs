// Speaks Jupyter's protocol over tslab's sockets: execute requests in order, output that is not lost, errors that are errors.
// https://jupyter-client.readthedocs.io/en/latest/messaging.html
"use strict";
const { inspect } = require("node:util");
const jupyter = require("tslab/dist/jupyter");
const { versions } = require("tslab");
const { describe } = require("./errors.cjs");
const { Printer } = require("./printer.cjs");

const EXIT = 100; // ms that the last messages get at shutdown

/** What the kernel says about itself and the code: tslab's answers, corrected. */
class Handler extends jupyter.JupyterHandlerImpl {
  handleKernel() {
    const reply = super.handleKernel(); // says TypeScript 3.7.2 for ever
    const language_info = { ...reply.language_info, version: versions.typescript };
    return { ...reply, status: "ok", implementation_version: versions.tslab, language_info };
  }

  handleShutdown({ restart }) {
    return { status: "ok", restart };
  }
}

class Server extends jupyter.ZmqServer {
  /** @param {import("./runner.cjs").Runner} runner @param {string} connectionFile */
  constructor(runner, connectionFile) {
    super(new Handler(runner.executor, false), connectionFile);
    this.runner = runner;
    this.count = 0;
    this.failedAt = -Infinity; // when the last error that stops a run of cells happened, ms since 1970
    this.queue = Promise.resolve();
    this.terminal = [process.stdout.write, process.stderr.write];
  }

  /**
   * By default zeromq.js sends 512 messages per turn, then throws EBUSY, which tslab does not expect: output is cut and the
   * cell never ends (https://github.com/zeromq/zeromq.js/issues/427). Without time-out and mark it sends at once, always.
   */
  async bindSocket(socket, port) {
    if (socket !== this.hb) Object.assign(socket, { sendTimeout: 0, sendHighWaterMark: 0, linger: 2000 });
    await super.bindSocket(socket, port);
  }

  async handleShellMessage(socket, ...frames) {
    try {
      await super.handleShellMessage(socket, ...frames);
    } catch (error) {
      this.terminal[1].call(process.stderr, `Cannot answer a message: ${inspect(error)}\n`); // not the running cell's fault
    }
  }

  /** tslab calls a request busy on arrival; a queued execute request is busy when it starts (see `answer`). */
  publishStatus(status, parent) {
    if (parent.header.msg_type !== "execute_request") super.publishStatus(status, parent);
  }

  handleExecute(socket, request) {
    const answered = this.queue.then(() => this.answer(socket, request));
    this.queue = answered.catch(() => {}); // handleShellMessage reports it
    return answered;
  }

  handleCommInfoRequest(socket, request) {
    this.send(socket, "comm_info_reply", request, { status: "ok", comms: {} }); // tslab answers with a completion
  }

  async answer(socket, request) {
    super.publishStatus("busy", request);
    // Queued before the error: the user has not seen it yet. Sent after it: a decision of the user, so it runs.
    const aborted = Date.parse(request.header.date) < this.failedAt;
    const content = aborted ? { status: "aborted" } : await this.execute(request);
    this.printer?.flush();
    this.send(socket, "execute_reply", request, content);
    super.publishStatus("idle", request);
  }

  async execute(request) {
    const { code, silent = false } = request.content;
    if (!silent) this.publish("execute_input", request, { code, execution_count: ++this.count });
    this.redirect(request);
    const { data, errors } = await this.runner.run(code, this.count);
    const execution_count = this.count;
    try {
      if (data && !silent) this.publish("execute_result", request, { execution_count, data, metadata: {} });
    } catch (error) {
      errors.push(error); // the data has no JSON form
    }
    if (errors.length > 0) return this.failed(errors, request);
    return { status: "ok", execution_count, payload: [], user_expressions: {} };
  }

  /** Publishes a cell's first error, prints the others, and makes the content of the reply. */
  failed(errors, request) {
    const { silent = false, stop_on_error = true } = request.content;
    if (stop_on_error) this.failedAt = Date.now();
    for (const error of errors.slice(1)) console.error(describe(error).traceback.join("\n"));
    const description = describe(errors[0]);
    if (!silent) this.publish("error", request, description);
    return { status: "error", execution_count: this.count, ...description };
  }

  /** Sends prints and displays to the cell of this request, also those that come after its end, as IPython does. */
  redirect(request) {
    this.printer?.flush();
    this.printer = new Printer((name, text) => this.send(this.iopub, "stream", request, { name, text }));
    process.stdout.write = this.printer.writer("stdout");
    process.stderr.write = this.printer.writer("stderr");
    jupyter.lastWriteDisplayData = (data, update) =>
      this.publish(update ? "update_display_data" : "display_data", request, data);
  }

  publish(type, parent, content) {
    this.printer?.flush(); // the order of prints and displays is the cell's
    this.send(this.iopub, type, parent, content);
  }

  send(socket, type, parent, content) {
    const message = parent.createReply();
    message.header.msg_type = type;
    message.content = content;
    message.signAndSend(this.connInfo.key, socket);
  }

  /** Leaves soon, whatever timers the cells left behind: stock tslab waits for them until Jupyter kills it. */
  close() {
    this.printer?.flush();
    [process.stdout.write, process.stderr.write] = this.terminal;
    setTimeout(() => process.exit(0), EXIT);
    super.close();
  }
}

module.exports = { Server };
