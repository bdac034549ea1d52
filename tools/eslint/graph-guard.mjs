/**
 * `@nx/enforce-module-boundaries` prints a warning and passes everything when nx has no cached project graph, and does not
 * see projects that are younger than the graph. A rule that can skip itself is no rule: so the lint configuration refuses
 * to load without a graph that knows every project with its tags.
 */
import { readCachedProjectGraph } from '@nx/devkit';

const remedy = 'Run the lint through nx, which makes the graph first: npm run lint';

/** @param {import('./projects.mjs').Project[]} projects throws when the graph is missing or does not match them */
export function requireProjectGraph(projects) {
  let graph;
  try {
    graph = readCachedProjectGraph();
  } catch (cause) {
    throw new Error(`boundary rules cannot run: nx has no cached project graph. ${remedy}`, { cause });
  }
  for (const project of projects) {
    const node = graph.nodes[project.name];
    const known = [...(node?.data.tags ?? [])].filter((tag) => !tag.startsWith('npm:')).sort();
    if (node?.data.root !== project.root || known.join() !== [...project.tags].sort().join()) {
      throw new Error(`boundary rules cannot run: nx's cached project graph does not know ${project.root} as it is now. ${remedy}`);
    }
  }
}
