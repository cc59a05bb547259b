// Speaks Jupyter's protocol over tslab's sockets: execute requests in order, output that is not lost, errors that are errors.
// https://jupyter-client.readthedocs.io/en/latest/messaging.html
"use strict";
const { setTimeout: sleep } = require("node:timers/promises");
const jupyter = require("tslab/dist/jupyter");
const { answersOf } = require("./answers.cjs");
const { describe } = require("./errors.cjs");
const { Message } = require("./message.cjs");
const { Printer } = require("./printer.cjs");

const EXIT = 100; // ms that the last messages get at shutdown
const ON_THE_WAY = 50; // ms in which a message has come that was sent before another one

class Server extends jupyter.ZmqServer {
  /** @param {import("./runner.cjs").Runner} runner @param {string} connectionFile */
  constructor(runner, connectionFile) {
    super(runner.executor, connectionFile);
    this.runner = runner;
    this.count = 0;
    this.history = [];
    this.answers = answersOf(runner, this.history);
    this.arrived = 0; // execute requests so far
    this.aborted = 0; // as many of them as had arrived when the last error that stops a run of cells was shown
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

  /** Takes a message of the sockets `shell` and `control`; what cannot be answered is not the running cell's fault, nor in its output. */
  async handleShellMessage(socket, ...frames) {
    try {
      const request = Message.read(frames, this.connInfo.key);
      if (request.type === "execute_request") await this.enqueue(socket, request);
      else this.reply(socket, request);
    } catch (error) {
      this.log(describe(error).traceback.join("\n"));
    }
  }

  log(text) {
    this.terminal[1].call(process.stderr, `${text}\n`);
  }

  reply(socket, request) {
    this.publishStatus("busy", request);
    const type = request.type.replace(/_request$/, "_reply");
    if (Object.hasOwn(this.answers, request.type)) this.send(socket, type, request, this.answerTo(request));
    else this.refuse(request);
    this.publishStatus("idle", request);
    if (request.type === "shutdown_request") this.close();
  }

  answerTo({ type, content }) {
    try {
      return this.runner.guard.aside(() => this.answers[type](content));
    } catch (error) {
      this.log(`Cannot answer ${type}: ${describe(error).traceback.join("\n")}`);
      return { status: "error", ...describe(error) };
    }
  }

  /** Closes the channel of a widget at once, as the protocol wants it where nobody listens; other messages need no answer. */
  refuse(request) {
    const { comm_id } = request.content;
    if (request.type === "comm_open") this.send(this.iopub, "comm_close", request, { comm_id, data: {} });
    this.log(`Cannot answer ${JSON.stringify(request.type).slice(0, 100)}: this kernel has no such message`);
  }

  publishStatus(execution_state, parent) {
    this.send(this.iopub, "status", parent, { execution_state });
  }

  enqueue(socket, request) {
    const number = ++this.arrived;
    const answered = this.queue.then(() => this.answer(socket, request, number));
    this.queue = answered.catch(() => {}); // handleShellMessage reports it
    return answered;
  }

  /** A queued cell is busy when it starts. */
  async answer(socket, request, number) {
    this.publishStatus("busy", request);
    // Come before the error was shown: the user has not seen it. Come after it: a decision of the user, so it runs.
    const content = number <= this.aborted ? { status: "aborted" } : await this.execute(request);
    this.printer?.flush();
    this.send(socket, "execute_reply", request, content);
    this.publishStatus("idle", request);
  }

  async execute(request) {
    const { code, silent = false } = request.content;
    if (!silent) this.publish("execute_input", request, { code, execution_count: ++this.count });
    if (!silent) this.history.push([0, this.count, code]);
    this.redirect(request);
    const { data, errors } = await this.runner.run(code, this.count, (text) => this.say(text, request));
    const execution_count = this.count;
    try {
      if (data && !silent) this.publish("execute_result", request, { execution_count, data, metadata: {} });
    } catch (error) {
      errors.push(error); // the data has no JSON form
    }
    if (errors.length > 0) return await this.failed(errors, request);
    return { status: "ok", execution_count, payload: [], user_expressions: {} };
  }

  /** Publishes a cell's first error, prints the others, and makes the content of the reply. */
  async failed(errors, request) {
    const { silent = false, stop_on_error = true } = request.content;
    if (stop_on_error) await this.abortArrived();
    for (const error of errors.slice(1)) console.error(describe(error).traceback.join("\n"));
    const description = describe(errors[0]);
    if (!silent) this.publish("error", request, description);
    return { status: "error", execution_count: this.count, ...description };
  }

  /** Aborts what was sent before an error is shown: what waits here, and what is still on its way. No clock but the kernel's is asked. */
  async abortArrived() {
    do {
      this.aborted = this.arrived;
      await sleep(ON_THE_WAY);
    } while (this.arrived > this.aborted);
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

  /** Shows a word while a cell waits, or takes it back: it is no output of the cell. */
  say(text, request) {
    if (text === undefined) this.publish("clear_output", request, { wait: false });
    else this.publish("stream", request, { name: "stderr", text });
  }

  publish(type, parent, content) {
    this.printer?.flush(); // the order of prints and displays is the cell's
    this.send(this.iopub, type, parent, content);
  }

  send(socket, type, parent, content) {
    socket.send(parent.answer(type, content, this.connInfo.key));
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
