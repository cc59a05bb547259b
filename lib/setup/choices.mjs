// Set-up's decisions as pure functions: which Node, Python and wheel, how to compile, and what stands already.

/** Whether a Node version, such as "20.19.0", can load ES modules with `require`, which tslab needs for arquero. */
export function supportsNode(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
}

/** An error that says what to do. */
export const withAdvice = (message, advice) => Object.assign(new Error(message), { advice });

/** The Python commands to look for, the tried version first. */
export const PYTHON_COMMANDS = ["python3.11", "python3.12", "python3.13", "python3", "python"];

/**
 * Picks the first Python that is 3.11 or later and can make an environment.
 * @param {{command: string, version: string, ensurepip: boolean}[]} candidates what each command on this machine answered
 * @throws {Error} when there is none, with `advice`
 */
export function choosePython(candidates) {
  const recent = candidates.filter(({ version }) => /^3\.(1[1-9]|[2-9]\d)(\.|$)/.test(version));
  const complete = recent.find(({ ensurepip }) => ensurepip);
  if (complete) return complete;
  if (recent.length > 0) {
    const [{ command, version }] = recent;
    const name = `python${version.split(".").slice(0, 2).join(".")}-venv`;
    const why = `Cannot make .venv: ${command} (${version}) comes without its "venv" and "ensurepip" modules`;
    throw withAdvice(why, `On Debian and Ubuntu: sudo apt install ${name}`);
  }
  const found = candidates.map(({ command, version }) => `${command} ${version}`).join(", ") || "none";
  throw withAdvice(
    `Cannot make .venv: wanted Python 3.11 or later, tried ${PYTHON_COMMANDS.join(", ")}, found ${found}`,
    "On Debian 12 and Ubuntu: sudo apt install python3 python3-venv; elsewhere: https://www.python.org/downloads/",
  );
}

/** Reads requirements.txt: the plain lines are Jupyter's, the lines "#cpu:" and "#gpu:" the TensorFlow wheels, "#study:" Snakemake's. */
export function parseRequirements(text) {
  const lines = text.split("\n").map((line) => line.trim());
  const marked = (mark) => {
    const found = lines.filter((each) => each.startsWith(`#${mark}:`));
    if (found.length === 0) throw new Error(`Cannot read requirements.txt: found no line "#${mark}: <wheel>"`);
    return found.map((line) => line.slice(mark.length + 2).trim());
  };
  const [[cpu], [gpu]] = [marked("cpu"), marked("gpu")];
  return { jupyter: lines.filter((line) => /^[^#-]/.test(line)), cpu, gpu, study: marked("study") };
}

/**
 * Which TensorFlow wheels to try, best first. What was asked for once with a flag holds until another flag is given, and a
 * GPU wheel that failed is not tried again by itself, because it is a download of gigabytes.
 * @param {{flag?: "cpu" | "gpu", gpuFound: boolean, last?: {flavor: "cpu" | "gpu", flag?: "cpu" | "gpu", failed?: string}}} facts
 * @returns {("cpu" | "gpu")[]}
 */
export function wheelsToTry({ flag, gpuFound, last }) {
  const refused = last?.flag === "cpu" || last?.failed;
  const wanted = last?.flavor === "gpu" || (!refused && (gpuFound || last?.flag === "gpu"));
  return (flag ? flag === "gpu" : wanted) ? ["gpu", "cpu"] : ["cpu"];
}

/** The folder of the lists of wheels, made by the lock.py in it. */
export const WHEELS = "lib/setup/wheels";

/**
 * pip's arguments that install a list of wheels, and nothing that is not in it byte by byte.
 * @param {"jupyter" | "cpu" | "gpu" | "study"} name the CPU wheel comes alone, as only its C++ library is used; the study's list is complete but
 *   for a package that nothing imports
 */
export function installArguments(name) {
  const alone = name === "cpu" || name === "study" ? ["--no-deps"] : [];
  return ["install", "--require-hashes", "--only-binary", ":all:", ...alone, "-r", `${WHEELS}/${name}.txt`];
}

/**
 * The C++ compiler's arguments that build tfjs-node's binding against the TensorFlow of a Python wheel. The run path is the
 * wheel's own folder, because its libraries find their neighbours (CUDA's too) from there.
 * @param {{modules: string, tensorflow: string, output: string}} paths node_modules, the wheel's folder, the file to write
 */
export function compilerArguments({ modules, tensorflow, output }) {
  const tfjs = `${modules}/@tensorflow/tfjs-node`;
  return [
    ...addon([`${modules}/node-api-headers/include`, tfjs, `${tensorflow}/include`]),
    ...[`${tfjs}/binding/tfjs_backend.cc`, `${tfjs}/binding/tfjs_binding.cc`],
    ...[`-L${tensorflow}`, "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2", `-Wl,-rpath,${tensorflow}`],
    ...["-o", output],
  ];
}

/** The same for our own addon, which keeps TensorFlow's first words off the terminal. @param {{root: string, output: string}} paths */
export const quietArguments = ({ root, output }) => [
  ...addon([`${root}/node_modules/node-api-headers/include`]),
  ...[`${root}/lib/setup/quiet.cc`, "-o", output],
];

const addon = (headers) => [
  ...["-O2", "-std=c++17", "-fPIC", "-shared", "-DNAPI_VERSION=8"],
  ...headers.map((folder) => `-I${folder}`),
];

/**
 * Whether node_modules holds what package-lock.json asks for, judged by the list that npm writes after a complete install.
 * @param {{packages: Record<string, {version?: string, integrity?: string, optional?: boolean}>}} wanted package-lock.json
 * @param {{packages: Record<string, {version?: string, integrity?: string}>} | undefined} found node_modules/.package-lock.json
 */
export function packagesAgree(wanted, found) {
  return Object.entries(wanted.packages).every(([name, { version, integrity, optional }]) => {
    const installed = found?.packages?.[name];
    if (!installed) return found !== undefined && (name === "" || optional === true);
    return installed.version === version && installed.integrity === integrity;
  });
}
