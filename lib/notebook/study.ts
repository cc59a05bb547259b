// A study in a notebook: what it is, how far it is, and what came out so far.
export { openStudy as open } from "../study/open-study";
export { statesNow as states } from "../study/state";
export { jobTable as jobs, missingTable as missing, studyTable as table } from "../tables/study";
