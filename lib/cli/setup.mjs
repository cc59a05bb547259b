// `npm run setup`: prepares this checkout (packages, Python, TensorFlow, data). Written so that an old Node can still read it.
import { supportsNode } from "../setup/choices.mjs";

if (supportsNode(process.versions.node)) {
  import("../setup/main.mjs").then(({ main }) => main(process.argv.slice(2)));
} else {
  console.error(
    `Node.js ${process.versions.node} was found, but 20.19 or later in 20.x, or 22.12 or later, is wanted.`,
  );
  console.error("Install a current version from https://nodejs.org or with nvm (nvm install 22), then try again.");
  process.exit(1);
}
