// How far a study is, in one line.
import { type JobState, progressOf } from "../../study/state";
import { counted, grouped } from "../../text/format";

/** How far it was when the clock started. */
export interface Begin {
  readonly share: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** "34 % · 2.1 h left · 3 of 12 trainings, 0 of 24 sweeps · 2 running, 31 waiting" */
export function studyText(states: readonly JobState[], begin?: Begin, now = Date.now()): string {
  const since = begin && { share: begin.share, seconds: (now - begin.at) / 1000 };
  const { share, left, trainings, sweeps, counts } = progressOf(states, since);
  const rest = Object.entries(counts).filter(([name, count]) => name !== "done" && count > 0);
  return [
    `${Math.floor(100 * share)} %`,
    ...(left === undefined || share === 1 ? [] : [`about ${hoursText(left)} left`]),
    `${grouped(trainings.done)} of ${counted(trainings.all, "training")}, ${grouped(sweeps.done)} of ${counted(sweeps.all, "sweep")}`,
    ...(rest.length ? [rest.map(([name, count]) => `${grouped(count)} ${name}`).join(", ")] : []),
  ].join(" · ");
}

function hoursText(seconds: number): string {
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
