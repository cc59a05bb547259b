// For the notebooks' present imports; to go once they read `./lib/provenance`.
export { provenance } from "./provenance";
