// A Slurm cluster of four nodes on this computer: Debian's own munged, slurmctld and four slurmd, started here and ended here.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { randomBytes } from "node:crypto";

/** Slurm's jobs look for it there alone: the executor drops SLURM_CONF, as all else that is called SLURM_. */
const CONFIGURATION = "/etc/slurm/slurm.conf";
const PACKAGES = ["slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "munge"];
const NODES = ["n1", "n2", "n3", "n4"];

/** A running cluster. */
export interface Cluster {
  /** Ends a node and all that runs on it at once, as a power cut does. */
  kill(node: string): void;
  /** On which node each job of ours ran. */
  nodesUsed(): string[];
  stop(): void;
}

/** Why there can be no cluster here, in one line; undefined where there can. */
export function whyNoCluster(): string | undefined {
  if (process.getuid?.() !== 0) return "starting Slurm's daemons takes root";
  if (existsSync(CONFIGURATION)) return `${CONFIGURATION} is there already, of another cluster`;
  const missing = () =>
    ["munged", "slurmctld", "slurmd", "sbatch"].filter((name) => spawnSync("which", [name]).status !== 0);
  if (missing().length === 0) return undefined;
  spawnSync("apt-get", ["install", "-y", "--no-install-recommends", ...PACKAGES], {
    stdio: "ignore",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  return missing().length === 0 ? undefined : `apt-get could not install ${PACKAGES.join(", ")}`;
}

/** The recipe of SchedMD's FAQ ("multi_slurmd"): several slurmd on one host, each with a port and a name, and invented processors. */
const configuration = (dir: string): string => `ClusterName=trial
SlurmctldHost=${hostname().split(".")[0]}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${dir}/munge.socket
SlurmctldPort=16817
StateSaveLocation=${dir}/state
SlurmdSpoolDir=${dir}/spool/%n
SlurmctldPidFile=${dir}/slurmctld.pid
SlurmdPidFile=${dir}/slurmd.%n.pid
SlurmctldLogFile=${dir}/slurmctld.log
SlurmdLogFile=${dir}/slurmd.%n.log
SlurmdTimeout=15
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1
MinJobAge=300
JobRequeue=0
NodeName=n[1-4] NodeHostname=${hostname().split(".")[0]} NodeAddr=127.0.0.1 Port=[17001-17004] CPUs=2 RealMemory=16000 State=UNKNOWN
PartitionName=main Nodes=n[1-4] Default=YES MaxTime=INFINITE State=UP
`;

/** Starts the daemons. @throws Error with their logs where the nodes do not come up within a minute */
export async function startCluster(dir: string): Promise<Cluster> {
  for (const name of ["state", ...NODES.map((node) => `spool/${node}`)])
    mkdirSync(join(dir, name), { recursive: true });
  mkdirSync("/etc/slurm", { recursive: true });
  writeFileSync(CONFIGURATION, configuration(dir));
  writeFileSync(join(dir, "munge.key"), randomBytes(128), { mode: 0o600 });
  const daemon = (command: string, ...words: string[]) => spawn(command, words, { stdio: "ignore" });
  const munge = ["socket", "pid-file", "log-file", "seed-file"].map(
    (name) => `--${name}=${join(dir, `munge.${name.split("-")[0]}`)}`,
  );
  const daemons = [daemon("munged", "--foreground", "--force", `--key-file=${join(dir, "munge.key")}`, ...munge)];
  await sleep(1000);
  daemons.push(daemon("slurmctld", "-D", "-c"), ...NODES.map((node) => daemon("slurmd", "-D", "-N", node)));
  const cluster = clusterOf(
    dir,
    daemons.map(({ pid }) => pid!),
  );
  for (let second = 0; second < 60; second++) {
    if (spawnSync("sinfo", ["-h", "-N", "-o", "%T"], { encoding: "utf8" }).stdout === "idle\n".repeat(NODES.length))
      return cluster;
    await sleep(1000);
  }
  cluster.stop();
  throw new Error(`Cannot start Slurm: ${readFileSync(join(dir, "slurmctld.log"), "utf8").slice(-2000)}`);
}

function clusterOf(dir: string, daemons: readonly number[]): Cluster {
  return {
    kill(node) {
      const slurmd = daemons[2 + NODES.indexOf(node)];
      for (const pid of [slurmd, ...processesOn(node)]) kill(pid);
    },
    nodesUsed: () =>
      [...new Set(readFileSync(join(dir, "slurmctld.log"), "utf8").match(/(?<=NodeList=)n\d/g) ?? [])].sort(),
    stop() {
      spawnSync("scancel", ["--user=root", "--signal=KILL", "--full"]);
      for (const pid of [...NODES.flatMap(processesOn), ...steps(), ...[...daemons].reverse()]) kill(pid);
      rmSync(CONFIGURATION, { force: true });
    },
  };
}

/** Of jobs: Slurm tells each process on which node it is. */
const processesOn = (node: string): number[] =>
  processes("environ", (text) => text.split("\0").includes(`SLURMD_NODENAME=${node}`));

/** What Slurm starts between a node's daemon and its jobs; there is no cluster here but this one. */
const steps = (): number[] => processes("cmdline", (text) => text.startsWith("slurmstepd: ["));

function processes(file: "environ" | "cmdline", holds: (text: string) => boolean): number[] {
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const isOne = (pid: string) => {
    try {
      return holds(readFileSync(`/proc/${pid}/${file}`, "utf8"));
    } catch {
      return false; // it has ended
    }
  };
  return numbers.filter(isOne).map(Number);
}

/** Kills a process, if it is still there. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}

const PROFILE = "lib/study/profiles/slurm/profile.v9+.yaml";

/** The committed profile, but Slurm is asked every few seconds, as everything is on one computer and takes seconds. @returns its folder */
export function impatientProfile(folder: string): string {
  const dir = join(folder, "profile");
  mkdirSync(dir);
  const patient = readFileSync(PROFILE, "utf8").replace("latency-wait: 60", "latency-wait: 5");
  const impatient = "slurm-init-seconds-before-status-checks: 3\nseconds-between-status-checks: 3\n";
  writeFileSync(join(dir, basename(PROFILE)), patient + impatient);
  return dir;
}
